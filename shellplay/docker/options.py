"""Parse the words of ``run`` as Docker does: options, an image, and a command."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shellplay.docker.network_words import expanded
from shellplay.docker.option_table import ALIASES, OPTIONS, SHORT, Option
from shellplay.docker.refused_options import REFUSED
from shellplay.errors import UsageError
from shellplay.nearest import nearest

EXAMPLE = "as in: run -it host /bin/bash"


# Docker parses flags with strconv.ParseBool of Go, which accepts these values.
YES, NO = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")


class RunRequest(NamedTuple):
    """A parsed ``run``: all values of each option, the image, and the words of the command."""

    options: Mapping[str, tuple[str, ...]]
    image: str
    command: tuple[str, ...]

    def has(self, name: str, *, otherwise: bool = False) -> bool:
        """Tell whether a flag is true; if it is not given, it is as ``otherwise``."""
        return self.options[name][-1] in YES if name in self.options else otherwise

    def last(self, name: str) -> str | None:
        """Return the last value of an option, which overrides the others; None if not given."""
        return self.options[name][-1] if name in self.options else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of an option, in the order of the words."""
        return self.options.get(name, ())


def parse(words: Sequence[str]) -> RunRequest:
    """Parse ``[OPTIONS] IMAGE [COMMAND...]``; raises UsageError with the nearest option."""
    options: dict[str, list[str]] = {}
    pending = deque(words)
    while pending and pending[0].startswith("-") and pending[0] != "-":
        word = pending.popleft()
        if word == "--":
            break
        parse_word = _parse_long if word[1] == "-" else _parse_short
        for name, value in parse_word(word, pending):
            _check_value(name, value)
            options.setdefault(name, []).append(value)
    values = expanded(options)
    if not pending and "help" in values:
        return RunRequest(values, "", ())
    if not pending:
        raise UsageError("run needs an IMAGE, or host for the files of this machine", EXAMPLE)
    image = pending.popleft()
    return RunRequest(values, image, tuple(pending))


def parse_flag(spelling: str, value: str) -> bool:
    """Return the truth value of a flag's text; raises UsageError, which names ``spelling``."""
    if value not in (*YES, *NO):
        raise UsageError(f"{spelling} cannot be {value!r}", "true or false")
    return value in YES


def _check_value(name: str, value: str) -> None:
    option = OPTIONS[name]
    if not option.metavar:
        parse_flag(f"run --{name}", value)
    elif option.restricted and value and value not in option.choices:
        raise UsageError(f"run --{name} cannot be {value!r}", " or ".join(option.choices))


def _parse_long(word: str, pending: deque[str]) -> list[tuple[str, str]]:
    spelling, equals, value = word[2:].partition("=")
    name = ALIASES.get(spelling, spelling)
    if (refusal := REFUSED.get(name)) is not None:
        raise UsageError(f"run --{name}: {refusal.reason}", refusal.instead)
    option = OPTIONS.get(name)
    if option is None:
        suggestion = nearest(spelling, OPTIONS)
        fix = f'did you mean "--{suggestion}"?' if suggestion else "help run lists them"
        raise UsageError(f"run has no option --{spelling[:40]}", fix)
    if not option.metavar:
        return [(name, value if equals else "true")]
    return [(name, value if equals else _next_value(f"--{name}", option, pending))]


def _parse_short(word: str, pending: deque[str]) -> list[tuple[str, str]]:
    """Parse short options: ``-it``, ``-p 80:80`` or ``-p80:80``."""
    values: list[tuple[str, str]] = []
    for position, letter in enumerate(word[1:], 2):
        name = SHORT.get(letter)
        if name is None:
            other_case = letter.swapcase()
            fix = (
                f'did you mean "-{other_case}"?'
                if other_case in SHORT
                else "help run lists them"
            )
            raise UsageError(f"run has no option -{letter}", fix)
        option = OPTIONS[name]
        if option.metavar:
            attached = word[position:].removeprefix("=")
            return [*values, (name, attached or _next_value(f"-{letter}", option, pending))]
        if word[position : position + 1] == "=":
            # As pflag of Go does it: the value is that of the last letter.
            return [*values, (name, word[position + 1 :])]
        values.append((name, "true"))
    return values


def _next_value(spelling: str, option: Option, pending: deque[str]) -> str:
    if not pending:
        raise UsageError(f"run {spelling} needs {option.metavar}", option.help)
    return pending.popleft()
