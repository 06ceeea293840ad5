"""The terminal colours of pages and pictures, light and dark, with readable contrast."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shellplay.cast.screen_states import Style

# The contrast that WCAG 2.2, 1.4.3, requires of text.
CONTRAST = 4.5
_HEX = re.compile(r"[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The colours of a terminal, six hex digits each; pyte calls yellow ``brown``."""

    foreground: str
    background: str
    named: Mapping[str, str]

    def color(self, name: str, default: str) -> str:
        """Return the hex digits of a colour name; hex digits stay; else ``default``."""
        if name in ("foreground", "background"):
            return self.foreground if name == "foreground" else self.background
        name = name.replace("yellow", "brown")
        return self.named.get(name, name if _HEX.fullmatch(name) else default)


LIGHT = Scheme(
    foreground="24292f",
    background="fdfcf9",
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
    foreground="d9dde2",
    background="12161a",
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


def css_rules(styles: Sequence[Style], scheme: Scheme, *, paint: str = "color") -> str:
    """Return the CSS rules ``.s1``, ``.s2``... of all styles except the first, the default.

    ``paint`` is the CSS property that colours text: ``color`` for HTML, ``fill`` for SVG.
    Only HTML gets backgrounds: in SVG a rectangle draws them.
    """
    lines = []
    for number, style in enumerate(styles[1:], start=1):
        foreground, background = visible_colors(style, scheme)
        declarations = [f"{paint}:#{foreground}"]
        declarations += [f"background:#{background}"] if background and paint == "color" else []
        declarations += ["font-weight:700"] if style.bold else []
        declarations += ["font-style:italic"] if style.italic else []
        decoration = ["underline"] * style.underlined + ["line-through"] * style.struck
        declarations += [f"text-decoration:{' '.join(decoration)}"] if decoration else []
        lines.append(f".s{number}{{{';'.join(declarations)}}}")
    return "\n".join(lines)


def visible_colors(style: Style, scheme: Scheme) -> tuple[str, str]:
    """Return the colours of text and background; the background is "" if it is the default."""
    background = scheme.color(style.background, scheme.background)
    foreground = make_readable(scheme.color(style.foreground, scheme.foreground), background)
    return foreground, "" if background == scheme.background else background


def make_readable(foreground: str, background: str) -> str:
    """Return ``foreground``, mixed with black or white until it has enough contrast."""
    end = max(("000000", "ffffff"), key=lambda color: contrast(color, background))
    for tenths in range(11):
        color = _mix(foreground, end, tenths / 10)
        if contrast(color, background) >= CONTRAST:
            return color
    return end


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, as WCAG defines it."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _channels(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (0, 2, 4)]


def _mix(first: str, second: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(color: str) -> float:
    shares = [channel / 255 for channel in _channels(color)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
