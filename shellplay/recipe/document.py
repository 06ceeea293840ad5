"""A recipe as values: what an article holds, in the order in which it is read.

Lines are counted from 1.  Where something stands is not what it is: two recipes are equal
if they say the same, so positions take no part in comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Needs:
    """What the machine must have: all of ``all``, and one of ``any`` if it names some."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """The TOML between ``+++`` lines; times are in seconds, sizes in characters."""

    version: int = 1
    title: str = ""
    needs: Needs = Needs()
    programs: tuple[str, ...] = ()
    kernel: str = ""
    network: bool = False
    images: bool = False
    timeout: float = 5.0
    total_timeout: float = 60.0
    columns: int = 80
    rows: int = 24
    environment: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    slow: bool = False


class Actor(StrEnum):
    """Who is spoken to: shellplay, a live bash, the host's /bin/sh, or a keyboard."""

    PLAY = "play>"
    IN = "in>"
    HOST = "host$"
    KEY = "key>"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How one step is to be run and compared: its ``%`` lines; times are in seconds.

    ``eventually`` repeats the step for so long until it matches; ``distinct`` are names of
    tags that must differ; ``always`` runs the step also after a failure; ``skip`` is the
    reason not to run it; ``only`` is what the machine must have for it; ``pause`` is how
    long a demonstration rests after it; ``type`` is how long it types a character.
    """

    timeout: float | None = None
    eventually: float | None = None
    distinct: tuple[str, ...] = ()
    always: bool = False
    skip: str | None = None
    only: tuple[str, ...] = ()
    pause: float | None = None
    type: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of what is expected, as it is written, without its line end."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One line to one actor, and what must come of it.

    ``text`` holds its continuation lines too, joined by line ends; ``container`` is the
    name in ``in[NAME]>``; ``status`` is the exit status to come.  ``line`` is where the
    actor is named; what is expected stands in the lines from ``first`` to before ``last``.
    """

    actor: Actor
    text: str
    container: str | None = None
    conditions: Conditions = Conditions()
    expected: tuple[Expected, ...] = ()
    status: int = 0
    line: int = field(default=0, compare=False)
    first: int = field(default=0, compare=False)
    last: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comment:
    """A ``#`` line of a block, without the sign."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """The lines between ``` ```shellplay ``` and the closing fence; ``flow`` follows it."""

    items: tuple[Step | Comment, ...]
    flow: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown between blocks: narration when performed, nothing when tested."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Direction:
    """A comment ``<!-- play: NAME [VALUE] -->``: pause, clear, type, hide or show.

    ``seconds`` is the value; a pause without one waits for a key.
    """

    name: str
    seconds: float | None = None
    line: int = field(default=0, compare=False)


Part = Prose | Direction | Block


@dataclass(frozen=True, slots=True)
class Recipe:
    """One article: its header and its parts; ``path`` is where it was read from."""

    header: Header
    parts: tuple[Part, ...]
    path: str = field(default="", compare=False)

    @property
    def steps(self) -> Iterator[Step]:
        """Yield every step in order."""
        for part in self.parts:
            if isinstance(part, Block):
                for item in part.items:
                    if isinstance(item, Step):
                        yield item
