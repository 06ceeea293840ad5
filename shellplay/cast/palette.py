"""The colours of a terminal on paper and on slate, each readable on what is behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shellplay.cast.screen_states import Style

# Contrast of text as WCAG 2.2 asks for, 1.4.3.
CONTRAST = 4.5
_HEX = re.compile(r"[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Scheme:
    """Six hex digits for each name that a terminal knows; ``brown`` is its yellow."""

    front: str
    back: str
    named: Mapping[str, str]

    def color(self, name: str, usual: str) -> str:
        """Return the colour of a name or of hex digits, ``usual`` for any other."""
        if name in ("foreground", "background"):
            return self.front if name == "foreground" else self.back
        name = name.replace("yellow", "brown")
        return self.named.get(name, name if _HEX.fullmatch(name) else usual)


LIGHT = Scheme(
    front="24292f",
    back="fdfcf9",
    named={
        "black": "24292f",
        "red": "b3261e",
        "green": "1a7f37",
        "brown": "8a5a00",
        "blue": "0b57b7",
        "magenta": "8035a8",
        "cyan": "0e6e78",
        "white": "c6ccd3",
        "brightblack": "6a737d",
        "brightred": "c7362d",
        "brightgreen": "22863a",
        "brightbrown": "916700",
        "brightblue": "1a66c9",
        "brightmagenta": "9440bd",
        "brightcyan": "127783",
        "brightwhite": "e4e7eb",
    },
)
DARK = Scheme(
    front="d9dde2",
    back="12161a",
    named={
        "black": "3a424b",
        "red": "f2766b",
        "green": "72c688",
        "brown": "dcb35c",
        "blue": "79b0f5",
        "magenta": "cf9bf0",
        "cyan": "63c9cf",
        "white": "c9d0d7",
        "brightblack": "8b95a0",
        "brightred": "ff978c",
        "brightgreen": "93dba5",
        "brightbrown": "f0cd82",
        "brightblue": "a3caff",
        "brightmagenta": "e0bbfa",
        "brightcyan": "8de0e4",
        "brightwhite": "f4f6f8",
    },
)


def rules(styles: Sequence[Style], scheme: Scheme, *, paint: str = "color") -> str:
    """Return the CSS of ``.s1``, ``.s2``... for every style but the first, the plain one.

    ``paint`` is the property that colours text; backgrounds are those of HTML, since a
    picture draws them itself.
    """
    lines = []
    for number, style in enumerate(styles[1:], start=1):
        front, back = painted(style, scheme)
        parts = [f"{paint}:#{front}"]
        parts += [f"background:#{back}"] if back and paint == "color" else []
        parts += ["font-weight:700"] if style.bold else []
        parts += ["font-style:italic"] if style.italic else []
        decoration = ["underline"] * style.underlined + ["line-through"] * style.struck
        parts += [f"text-decoration:{' '.join(decoration)}"] if decoration else []
        lines.append(f".s{number}{{{';'.join(parts)}}}")
    return "\n".join(lines)


def painted(style: Style, scheme: Scheme) -> tuple[str, str]:
    """Return the colours of text and of what is behind it, the latter "" if it is usual."""
    back = scheme.color(style.back, scheme.back)
    front = readable(scheme.color(style.front, scheme.front), back)
    return front, "" if back == scheme.back else back


def readable(front: str, back: str) -> str:
    """Return ``front``, as far towards black or white as it takes to be read on ``back``."""
    end = max(("000000", "ffffff"), key=lambda color: contrast(color, back))
    for tenths in range(11):
        color = _mixed(front, end, tenths / 10)
        if contrast(color, back) >= CONTRAST:
            return color
    return end


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _channels(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (0, 2, 4)]


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(color: str) -> float:
    shares = [channel / 255 for channel in _channels(color)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
