"""The environment's choices for the front end: plain or not, and the text of the prompt."""

import os

from shellplay.cmdline import prompt
from shellplay.playground.playground import Playground


def prompt_text(number: int, playground: Playground) -> str:
    """Return the text of the prompt: SHELLPLAY_PROMPT with its number instead of {n}."""
    chosen = chosen_prompt(number)
    return prompt.text(playground) if chosen is None else chosen


def chosen_prompt(number: int) -> str | None:
    """Return the prompt that SHELLPLAY_PROMPT asks for, None if it is not set."""
    chosen = os.environ.get("SHELLPLAY_PROMPT")
    return None if chosen is None else chosen.replace("{n}", str(number))


def wants_plain() -> bool:
    """Tell whether TERM names a terminal that cannot run a line editor."""
    return os.environ.get("TERM", "") in ("", "dumb", "unknown")
