"""Parse the amounts that Docker takes: bytes with a unit, and whole numbers in a range."""

from __future__ import annotations

import re

from shellplay.errors import UsageError

# As units.RAMInBytes of go-units: k is 1024, and the b at the end means nothing.
BYTES = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
UNITS = ("", "k", "m", "g", "t", "p")
LARGEST = 2**63


def number_of_bytes(spelling: str, text: str) -> int:
    """Return an amount of bytes, as in 64m; raises UsageError, which names ``spelling``."""
    match = BYTES.fullmatch(text.strip())
    size = int(float(match[1]) * 1024 ** UNITS.index(match[2].lower())) if match else LARGEST
    if size >= LARGEST:
        raise UsageError(f"{spelling}: {text!r} is not an amount", "as in 64m, 512k or 1g")
    return size


def whole_number(spelling: str, text: str, least: int, most: int) -> int:
    """Return a whole number between two others; raises UsageError."""
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise UsageError(f"{spelling} {text}: it is not a number from {least} to {most}")
    return int(text)
