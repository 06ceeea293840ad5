"""The recipe format: Markdown with ``shellplay`` blocks of steps, parsed, matched, written."""
