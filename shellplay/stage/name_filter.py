"""The expression of ``-k``: names to look for, with and, or, not and parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable

from shellplay.errors import UsageError

TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
Choice = Callable[[str], bool]


def choice(expression: str) -> Choice:
    """Return what tells whether a name is chosen; a word stands for a part of it.

    Raises UsageError for an expression that is not complete.
    """
    words = TOKEN.findall(expression)
    wanted, rest = _either(words, expression)
    if rest:
        raise _unexpected(rest, expression)
    return wanted


def _either(words: list[str], whole: str) -> tuple[Choice, list[str]]:
    first, rest = _both(words, whole)
    if rest[:1] != ["or"]:
        return first, rest
    second, rest = _either(rest[1:], whole)
    return lambda name: first(name) or second(name), rest


def _both(words: list[str], whole: str) -> tuple[Choice, list[str]]:
    first, rest = _one(words, whole)
    if rest[:1] != ["and"]:
        return first, rest
    second, rest = _both(rest[1:], whole)
    return lambda name: first(name) and second(name), rest


def _one(words: list[str], whole: str) -> tuple[Choice, list[str]]:
    match words:
        case ["not", *rest]:
            inner, rest = _one(rest, whole)
            return lambda name: not inner(name), rest
        case ["(", *rest]:
            inner, rest = _either(rest, whole)
            if rest[:1] != [")"]:
                raise _unexpected(rest, whole)
            return inner, rest[1:]
        case [word, *rest] if word not in ("and", "or", ")"):
            return lambda name: word.lower() in name.lower(), rest
    raise _unexpected(words, whole)


def _unexpected(rest: list[str], whole: str) -> UsageError:
    what = f'"{rest[0]}" is not expected there' if rest else "something is missing at its end"
    return UsageError(f"-k {whole!r}: {what}", "as in: -k 'pid and not (slow or root)'")
