"""Tags: ``<pid:B1>`` stands for a value of a known type that the recipe cannot know.

A tag takes the longest text of its type at its position; the matcher tries nothing shorter.
So a line matches in one way only, in a time proportional to its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ANYTHING = "..."


@dataclass(frozen=True, slots=True)
class Type:
    """A type of values.

    ``regex`` matches one value, always the longest: it uses atomic groups, because Python
    before 3.11.5 matches a possessive quantifier of a group wrongly.  ``characters`` is the
    class of characters in a value; none of them may precede or follow the value.
    If ``identity``, a value names one object, as a PID does: two names of this type that one
    step binds must have different values.
    """

    name: str
    regex: str
    characters: str
    meaning: str
    identity: bool = False


TYPES = {
    kind.name: kind
    for kind in (
        Type("pid", r"[0-9]++", "[0-9]", "a process ID, or one of a group", identity=True),
        Type("int", r"[+-]?+[0-9]++", "[0-9]", "a whole number"),
        Type("num", r"(?>[+-]?[0-9]+(?:[.,][0-9]+)?)", "[0-9.,]", "a number, also 0.25"),
        Type("ino", r"[0-9]++", "[0-9]", "an inode: the name of a namespace", identity=True),
        Type(
            "time",
            r"(?>(?:[0-9]+-)?[0-9]{1,3}(?::[0-9]{2}){1,2}(?:[.,][0-9]+)?)"
            r"|[A-Z][a-z]{2}+[0-9]{2}"
            r"|(?>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,]+)?(?:Z|[+-][0-9:]+)?)",
            r"[0-9:]",
            "a clock time, CPU time or date: 23:49, 1-02:03:04, Nov24, 2026-11-24",
        ),
        Type(
            "dur",
            r"(?>(?:[0-9]+(?:[.,][0-9]+)? ?(?:ns|us|µs|ms|min|s|m|h|d)(?![A-Za-z]))+)",
            r"[0-9.,a-zµ]",
            "how long: 5s, 200ms, 0m0.003s, 12 ms",
        ),
        Type("tty", r"(?:pts/[0-9]++|tty[A-Za-z0-9]*+|console|\?)", "[A-Za-z0-9/?]", "a tty"),
        Type("hex", r"(?>(?:0x)?[0-9A-Fa-f]+)", "[0-9A-Fa-f]", "a hexadecimal number"),
        Type(
            "id",
            r"(?>[0-9a-f]{12}(?:[0-9a-f]{52})?)(?![0-9a-f])",
            "[0-9a-f]",
            "a container's ID, of 12 or 64 hexadecimal digits",
            identity=True,
        ),
        Type(
            "path",
            r"""(?>(?:~|\.\.?)?+/(?:[^\s"'()<>|;,:=]*[^\s"'()<>|;,:=.])?)""",
            r"""[^\s"'()<>|;,:=]""",
            "a path with a slash: /proc/1/ns, ./x, ~/y",
        ),
        Type(
            "user",
            r"(?>[A-Za-z_][A-Za-z0-9_.-]*[A-Za-z0-9_$+]|[A-Za-z_]|[0-9]+)",
            "[A-Za-z0-9_$+.-]",
            "a user or group, by name or number",
        ),
        Type(
            "host",
            r"(?>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)",
            "[A-Za-z0-9.-]",
            "a host name",
        ),
        Type(
            "word",
            r"(?>\w(?:[\w.+@%~-]*\w)?)",
            r"[\w.+@%~-]",
            "letters, digits and _, inside also . + - @ % ~",
        ),
        Type(
            "version",
            r"(?>v?[0-9]+\.[0-9](?:[\w.+~-]*\w)?)",
            r"[\w.+~-]",
            "a version: 6.18.2, v2.0-rc1",
        ),
        Type(
            "ip",
            r"(?>[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
            r"|(?=[0-9A-Fa-f]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]*[0-9A-Fa-f:])",
            "[0-9A-Fa-f.:]",
            "an IPv4 or IPv6 address, without a prefix length",
            identity=True,
        ),
        Type(
            "mac",
            r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}",
            "[0-9A-Fa-f:]",
            "a hardware address",
            identity=True,
        ),
    )
}
NAME = r"[A-Za-z_][A-Za-z0-9_]*"
SYNTAX = re.compile(
    rf"<(?P<type>{'|'.join([*TYPES, re.escape(ANYTHING)])})(?::(?P<name>{NAME}))?>"
)


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag; ``type`` is None for ``<...>``, ``name`` is None if the tag binds no name."""

    type: Type | None
    name: str | None

    @property
    def identity(self) -> bool:
        """Return whether two names of this type that one step binds must differ."""
        return self.type is not None and self.type.identity


def read(match: re.Match[str]) -> Tag:
    """Return the tag of a match of `SYNTAX`."""
    return Tag(TYPES.get(match["type"]), match["name"])


def names_in(text: str) -> list[tuple[str, int]]:
    """Return the names of the tags in a text, each with the column of its tag (from 1)."""
    return [(m["name"], m.start() + 1) for m in SYNTAX.finditer(text) if m["name"]]
