"""Read and write the conditions of a step: lines of the form ``% key: value``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from shellplay.nearest import did_you_mean, quoted
from shellplay.recipe import duration, tag
from shellplay.recipe.document import Conditions

LINE = re.compile(r"%\s*(?P<key>[^:\s]*)\s*(?P<colon>:?)\s*(?P<value>.*?)\s*")
MAX_STATUS = 255


def read(text: str) -> tuple[str, Any]:
    """Return the key and the value of one ``%`` line.

    Raises `ValueError` with three arguments: a sentence, the column of the error (from 1),
    and the fix or None.
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
    """Yield a ``%`` line for each condition that is not the default, without line end."""
    default = Conditions()
    for key, (_, writer) in KEYS.items():
        value = getattr(conditions, key, None)
        if value is not None and value != getattr(default, key):
            value_text = writer(value)
            yield f"% {key}: {value_text}" if value_text else f"% {key}"


def status(value: str) -> int:
    """Return the exit status of a text; raises `ValueError` if it is not 0 to 255."""
    if not re.fullmatch("[0-9]{1,3}", value) or int(value) > MAX_STATUS:
        raise ValueError(f"expected an exit status from 0 to {MAX_STATUS}")
    return int(value)


def _positive_duration(value: str) -> float:
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


def _no_value(value: str) -> bool:
    if value:
        raise ValueError("expected no value")
    return True


KEYS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "only": (_words, " ".join),
    "skip": (_reason, str),
    "always": (_no_value, lambda _: ""),
    "timeout": (_positive_duration, duration.text),
    "eventually": (_positive_duration, duration.text),
    "distinct": (_names, " ".join),
    "status": (status, str),
    "pause": (duration.seconds, duration.text),
    "type": (duration.seconds, duration.text),
}
"""Key: the function that reads its value, and the function that writes it."""
