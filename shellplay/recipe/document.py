"""The values of a parsed recipe: header, prose, directions, blocks, steps and comments.

Lines are counted from 1.  Two recipes are equal if their content is equal; ``==`` ignores
line numbers and the path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Needs:
    """What the machine must have: each of ``all``, and one of ``any`` unless it is empty."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """The header: TOML between ``+++`` lines; times in seconds, sizes in characters."""

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
    """The receiver of a step: shellplay, a live bash, the host's /bin/sh, or the keyboard."""

    PLAY = "play>"
    IN = "in>"
    HOST = "host$"
    KEY = "key>"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How one step is performed and compared: its ``%`` lines; times are in seconds.

    - ``timeout``: how long the step may take; None: as long as the header says.
    - ``eventually``: repeat the step until it matches, for at most this time.
    - ``distinct``: names of tags whose values must differ.
    - ``always``: perform the step also after a failure.
    - ``skip``: the reason not to perform the step; None: perform it.
    - ``only``: what the machine must have for this step.
    - ``pause``: how long a demonstration waits after the step.
    - ``type``: how long a demonstration takes to type one character.
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
    """One expected line as it is written, without its line end; ``line`` 0: it is new."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One command for one actor, with the expected lines and the expected exit status.

    ``text`` is the command with its continuation lines, joined by line ends.  ``container``
    is the name in ``in[NAME]>``; None: the current container.  ``line`` is the line of the
    actor.  The expected lines are the lines from ``first`` up to ``last``, without ``last``.
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

    @property
    def actor_text(self) -> str:
        """The actor as it is written in a recipe, with the name of the container."""
        name = "" if self.container is None else f"[{self.container}]"
        return f"{self.actor[:-1]}{name}{self.actor[-1]}"


@dataclass(frozen=True, slots=True)
class Comment:
    """A ``#`` line of a block, without the sign."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """The lines between ``` ```shellplay ``` and the closing code fence.

    ``flow`` is the text after the word ``shellplay``.
    """

    items: tuple[Step | Comment, ...]
    flow: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown between blocks: a demonstration shows it, a test ignores it."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Direction:
    """A comment ``<!-- play: NAME [VALUE] -->``: pause, clear, type, hide or show.

    ``seconds`` is the value; None: a pause waits for a key.
    """

    name: str
    seconds: float | None = None
    line: int = field(default=0, compare=False)


Part = Prose | Direction | Block


@dataclass(frozen=True, slots=True)
class Recipe:
    """One article: its header and its parts; ``path`` is its file ("": none)."""

    header: Header
    parts: tuple[Part, ...]
    path: str = field(default="", compare=False)

    @property
    def steps(self) -> Iterator[Step]:
        """Yield all steps of all blocks in order."""
        for part in self.parts:
            if isinstance(part, Block):
                for item in part.items:
                    if isinstance(item, Step):
                        yield item
