"""What happens in a performance, one value each; times are in seconds since its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt is shown, such as ``shellplay> `` or ``root@web:/# ``."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Characters that are typed and echoed; a line end stands for Enter.

    ``pace`` is how many seconds a character takes, None if nobody has said it.
    """

    time: float
    text: str
    pace: float | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """Text that appears, with LF as line end and its escape sequences."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A new section of the article begins; ``level`` is 1 to 6."""

    time: float
    title: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Narration:
    """Prose of the article, as Markdown, without its headings."""

    time: float
    markdown: str


@dataclass(frozen=True, slots=True)
class Pause:
    """It rests for so many seconds; None: until whoever watches wants it to go on."""

    time: float
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """How the playground stands after a step, in the shapes of docs/json.md.

    ``containers`` has a record for each container, with its ``fences``; ``processes`` has
    the records of ``ps host``.
    """

    time: float
    label: str
    containers: tuple[Mapping[str, object], ...]
    processes: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Resized:
    """The terminal has another size, in characters."""

    time: float
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over, with this exit status."""

    time: float
    status: int


Event = Prompt | Typed | Output | Heading | Narration | Pause | Scene | Resized | Ended
Sink = Callable[[Event], None]
