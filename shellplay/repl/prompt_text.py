"""The environment's choices for the front end: plain or not, and the text of the prompt."""

import os

PROMPT = "shellplay> "


def prompt_text(number: int) -> str:
    """Return the text of the prompt: SHELLPLAY_PROMPT with its number instead of {n}."""
    return os.environ.get("SHELLPLAY_PROMPT", PROMPT).replace("{n}", str(number))


def wants_plain() -> bool:
    """Tell whether TERM names a terminal that cannot run a line editor."""
    return os.environ.get("TERM", "") in ("", "dumb", "unknown")
