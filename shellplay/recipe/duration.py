"""Read and write durations: ``5s``, ``200ms``, ``2m`` or a number of seconds."""

from __future__ import annotations

import re
from decimal import Decimal

FORM = "a duration as 5s, 200ms or 2m"
DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m)?")
LONGEST = 24 * 60 * 60.0


def seconds(text: str) -> float:
    """Return a duration in seconds.

    Raises `ValueError` with a sentence if the text is not a duration or above one day.
    """
    match = DURATION.fullmatch(text)
    # Check the length before float(), which is slow for a text of a million digits.
    if not match or len(text) > 400:
        raise ValueError(f"expected {FORM}")
    number, unit = float(match["number"]), match["unit"]
    found = number / 1000 if unit == "ms" else number * 60 if unit == "m" else number
    if found > LONGEST:
        raise ValueError("expected a duration of at most a day")
    return found


def text(duration: float) -> str:
    """Return the shortest text of a duration in seconds, from which `seconds` reads it back."""
    if duration >= 60 and duration % 60 == 0:
        return f"{round(duration / 60)}m"
    if duration == round(duration):
        return f"{round(duration)}s"
    milliseconds = round(duration * 1000)
    if milliseconds and milliseconds / 1000 == duration and duration < 1:
        return f"{milliseconds}ms"
    return f"{Decimal(repr(duration)):f}s"
