"""The events of a performance; times are in seconds since its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt appears, such as ``shellplay> `` or ``root@web:/# ``."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Characters are typed and echoed; a line end stands for Enter.

    ``pace`` is the time to type one character in seconds; None: the usual time.
    """

    time: float
    text: str
    pace: float | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """Output appears: text with its escape sequences, and LF as line end.

    ``layout`` returns the same output for a number of columns, with colours: shellplay lays
    out its own sentences and tables for each terminal.  None: a program has written it.
    """

    time: float
    text: str
    layout: Callable[[int], str] | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """A section of the article begins; ``level`` is 1 to 6."""

    time: float
    title: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Narration:
    """Prose of the article appears: Markdown without headings."""

    time: float
    markdown: str


@dataclass(frozen=True, slots=True)
class Pause:
    """The performance pauses for ``seconds``; None: until the viewer presses a key."""

    time: float
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """The state of the playground after a step, as records of docs/json.md.

    ``containers`` has one record for each container, with its ``fences``; ``processes`` has
    the records of ``ps host``; ``label`` is the command of the step.
    """

    time: float
    label: str
    containers: tuple[Mapping[str, object], ...]
    processes: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Resized:
    """The terminal has a new size, in characters."""

    time: float
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The performance ends with this exit status."""

    time: float
    status: int


Event = Prompt | Typed | Output | Heading | Narration | Pause | Scene | Resized | Ended
Sink = Callable[[Event], None]
