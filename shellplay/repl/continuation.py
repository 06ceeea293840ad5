"""The prompt for more lines of a command, and the lines of a text that was pasted."""

from __future__ import annotations

from prompt_toolkit import PromptSession
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.styles import BaseStyle

from shellplay.cmdline.registry import GRAMMAR
from shellplay.cmdline.tokenizer import segments
from shellplay.errors import UsageError

CONTINUES = "...> "
HINT = FormattedText(
    [("class:bar.hint", " the command is not complete: add lines, or Ctrl-C cancels it ")]
)


def continuation(style: BaseStyle, editing_mode: EditingMode) -> PromptSession[str]:
    """Return the prompt for one more line; its lines are entries of no history."""
    return PromptSession(
        CONTINUES,
        bottom_toolbar=HINT,
        editing_mode=editing_mode,
        history=DummyHistory(),
        style=style,
    )


def pasted_lines(text: str) -> list[str]:
    """Split a text at the line ends that end a command; not within quotes and loops."""
    try:
        parts = segments(text, GRAMMAR)
    except UsageError:
        # It runs as a whole, and the interpreter tells why it does not.
        return [text]
    if not parts:
        return [text]
    starts = [each.start for each in parts if text[each.start - 1 : each.start] in ("", "\n")]
    ends = [start - 1 for start in starts[1:]]
    return [text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True)]
