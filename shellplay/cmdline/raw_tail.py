"""Find the end of a raw tail, with enough of bash's grammar to keep a loop in one piece.

The tail of ``in for i in 1 2; do sleep 9 & done; fences`` ends before ``; fences``.  A tail
ends at a semicolon before a command of shellplay, at a line end and at a comment, but not
within quotes, parentheses and compound commands.
"""

import re
from collections.abc import Callable

TOKEN = re.compile(
    r"""(?P<quoted>\$'(?:[^'\\]|\\.)*'|'[^']*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\\.)
    |(?P<open>['"`\\])
    |(?P<comment>(?<!\S)\#[^\n]*)
    |(?P<operator>\n|;;|[;()|&])
    |(?P<blank>[^\S\n]+)
    |(?P<word>(?:[^\s;'"`\\|&()\#$]|\$(?!')|(?<=\S)\#)+)""",
    re.S | re.X,
)
NEXT_WORD = re.compile(r"\s*([^\s;'\"\\|&()]+)")
OPENERS = frozenset({"if", "for", "while", "until", "select", "case", "{"})
CLOSERS = frozenset({"fi", "done", "esac", "}"})
LEADERS = frozenset({"do", "then", "else", "elif", "if", "while", "until", "!", "{", "time"})


def end_of_rest(
    text: str, start: int, is_command: Callable[[str], bool]
) -> tuple[int, int | None]:
    """Return the end of a raw tail, and the position of an unclosed quote, None without one."""
    standing: list[str] = []
    command_position = True
    position = start
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None:
            return position, None
        kind, value = token.lastgroup, token.group()
        if kind == "open":
            return len(text), position
        if not standing and _ends(kind, value, text, token.end(), is_command):
            return position, None
        if kind == "operator" or (kind == "word" and command_position):
            _track(standing, value)
        if kind != "blank":
            command_position = kind == "operator" or (command_position and value in LEADERS)
        position = token.end()
    return len(text), None


def _ends(
    kind: str | None, value: str, text: str, after: int, is_command: Callable[[str], bool]
) -> bool:
    if kind == "comment" or value == "\n":
        return True
    following = NEXT_WORD.match(text, after) if value == ";" else None
    return following is not None and is_command(following.group(1))


def _track(standing: list[str], value: str) -> None:
    """Push or pop a compound command or a parenthesis."""
    if value == "(" or value in OPENERS:
        standing.append(value)
        return
    closes = value == ")" or value in CLOSERS
    # The ) after a pattern of case closes no parenthesis.
    if standing and closes and (value == ")") == (standing[-1] == "("):
        standing.pop()
