"""Parse the expression of ``-k``: parts of names with and, or, not and parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable

from shellplay.errors import UsageError

TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
NameFilter = Callable[[str], bool]


def parse_filter(expression: str) -> NameFilter:
    """Return a function that tells whether a name matches the expression.

    A word matches a name that contains it, in upper or lower case.  Raises `UsageError` for
    an incomplete expression.
    """
    words = TOKEN.findall(expression)
    name_filter, remaining = _parse_or(words, expression)
    if remaining:
        raise _unexpected(remaining, expression)
    return name_filter


def _parse_or(words: list[str], expression: str) -> tuple[NameFilter, list[str]]:
    """Parse ``A or B``; return the filter and the words after it, as the functions below."""
    first, remaining = _parse_and(words, expression)
    if remaining[:1] != ["or"]:
        return first, remaining
    second, remaining = _parse_or(remaining[1:], expression)
    return lambda name: first(name) or second(name), remaining


def _parse_and(words: list[str], expression: str) -> tuple[NameFilter, list[str]]:
    first, remaining = _parse_operand(words, expression)
    if remaining[:1] != ["and"]:
        return first, remaining
    second, remaining = _parse_and(remaining[1:], expression)
    return lambda name: first(name) and second(name), remaining


def _parse_operand(words: list[str], expression: str) -> tuple[NameFilter, list[str]]:
    match words:
        case ["not", *remaining]:
            inner, remaining = _parse_operand(remaining, expression)
            return lambda name: not inner(name), remaining
        case ["(", *remaining]:
            inner, remaining = _parse_or(remaining, expression)
            if remaining[:1] != [")"]:
                raise _unexpected(remaining, expression)
            return inner, remaining[1:]
        case [word, *remaining] if word not in ("and", "or", ")"):
            return lambda name: word.lower() in name.lower(), remaining
    raise _unexpected(words, expression)


def _unexpected(words: list[str], expression: str) -> UsageError:
    problem = (
        f'"{words[0]}" is not expected there' if words else "something is missing at its end"
    )
    fix = "as in: -k 'pid and not (slow or root)'"
    return UsageError(f"-k {expression!r}: {problem}", fix)
