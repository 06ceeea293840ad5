"""Conditions of a step: one ``% key: value`` line, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from shellplay.nearest import did_you_mean, quoted
from shellplay.recipe import duration, tag
from shellplay.recipe.document import Conditions

LINE = re.compile(r"%\s*(?P<key>[^:\s]*)\s*(?P<colon>:?)\s*(?P<value>.*?)\s*")
MOST_STATUS = 255


def read(text: str) -> tuple[str, Any]:
    """Return the key and the value of one line.

    Raises `ValueError` with a sentence, and the column that it is about.
    """
    match = LINE.fullmatch(text)
    if not match or not match["key"]:
        raise ValueError("expected a key after %", 3, did_you_mean("", KEYS))
    key, value = match["key"], match["value"]
    if key not in KEYS:
        fix = did_you_mean(key, KEYS)
        raise ValueError(f"there is no % {quoted(key)}", match.start("key") + 1, fix)
    if value and not match["colon"]:
        raise ValueError(f"expected : after % {key}", match.start("value") + 1, None)
    try:
        return key, KEYS[key][0](value)
    except ValueError as error:
        raise ValueError(f"% {key}: {error}", match.start("value") + 1, None) from error


def write(conditions: Conditions) -> Iterator[str]:
    """Yield the lines for what is not the default."""
    default = Conditions()
    for key, (_, writer) in KEYS.items():
        value = getattr(conditions, key, None)
        if value is not None and value != getattr(default, key):
            shown = writer(value)
            yield f"% {key}: {shown}" if shown else f"% {key}"


def status(value: str) -> int:
    """Return an exit status; raises `ValueError` if it is none."""
    if not re.fullmatch("[0-9]{1,3}", value) or int(value) > MOST_STATUS:
        raise ValueError(f"expected an exit status from 0 to {MOST_STATUS}")
    return int(value)


def _some_time(value: str) -> float:
    found = duration.seconds(value)
    if not found:
        raise ValueError("expected more than no time at all")
    return found


def _names(value: str) -> tuple[str, ...]:
    names = value.split()
    for name in names:
        if not re.fullmatch(tag.NAME, name):
            raise ValueError(f"{quoted(name)} is not a name of a tag")
    if len(set(names)) != len(names) or len(names) < 2:
        raise ValueError("expected two and more different names of tags")
    return tuple(names)


def _words(value: str) -> tuple[str, ...]:
    if not value:
        raise ValueError("expected what the machine must have, as root")
    return tuple(value.split())


def _reason(value: str) -> str:
    if not value:
        raise ValueError("expected a reason")
    return value


def _nothing(value: str) -> bool:
    if value:
        raise ValueError("expected no value")
    return True


KEYS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "only": (_words, " ".join),
    "skip": (_reason, str),
    "always": (_nothing, lambda _: ""),
    "timeout": (_some_time, duration.text),
    "eventually": (_some_time, duration.text),
    "distinct": (_names, " ".join),
    "status": (status, str),
    "pause": (duration.seconds, duration.text),
    "type": (duration.seconds, duration.text),
}
"""Key: how its value is read and how it is written."""
