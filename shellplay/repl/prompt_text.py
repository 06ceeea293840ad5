"""What the environment says of the front end: plain or not, and the text of the prompt."""

import os

PROMPT = "shellplay> "


def prompt_text(number: int) -> str:
    """Return the prompt; SHELLPLAY_PROMPT may hold another, with {n} for its number."""
    return os.environ.get("SHELLPLAY_PROMPT", PROMPT).replace("{n}", str(number))


def wants_plain() -> bool:
    """Tell whether the terminal, by its name, is too dumb for a line editor."""
    return os.environ.get("TERM", "") in ("", "dumb", "unknown")
