"""The recipe: an article in Markdown whose ``shellplay`` blocks are run and compared."""
