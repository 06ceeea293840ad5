"""What a command function yields; the interpreter shows it, the command never prints."""

from collections.abc import Callable
from typing import NamedTuple

from shellplay.model import Change


class Changed(NamedTuple):
    """What a fence or a peel did, and the label of the container it did it to."""

    change: Change
    label: str


class Document(NamedTuple):
    """Facts with two faces: a view for people and a payload for ``--json``.

    ``view`` makes a drawing or a string, ``title`` is a line above it; both faces are made
    only when asked for.
    """

    kind: str
    payload: Callable[[], object]
    view: Callable[[], object]
    title: str = ""


class Watched(NamedTuple):
    """A document that is made anew every so many seconds, until q or ^C, or so often."""

    document: Callable[[], Document]
    seconds: float
    times: int | None


class Text(NamedTuple):
    """Output that came from inside or from elsewhere: made safe, shown as it is."""

    text: str


class Page(NamedTuple):
    """Text that is laid out for the width of the terminal, in columns."""

    layout: Callable[[int], str]


class Status(NamedTuple):
    """The exit status of what ran; None if none was reported, which counts as failed."""

    status: int | None


class Leave(NamedTuple):
    """The front end is to end."""


Outcome = str | Changed | Document | Watched | Text | Page | Status | Leave
