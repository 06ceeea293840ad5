"""What a command function yields; the interpreter shows it, the command never prints."""

from collections.abc import Callable

from shellplay.model import Change, Value


class Changed(Value):
    """What a fence or a peel did, and the label of the container it did it to."""

    change: Change
    label: str


class Document(Value):
    """Facts with two faces: a view for people and a payload for ``--json``.

    ``view`` makes a drawing or a string, ``title`` is a line above it; both faces are made
    only when asked for.
    """

    kind: str
    payload: Callable[[], object]
    view: Callable[[], object]
    title: str = ""


class Watched(Value):
    """A document that is made anew every so many seconds, until q or ^C, or so often."""

    document: Callable[[], Document]
    seconds: float
    times: int | None


class Text(Value):
    """Output that came from inside or from elsewhere: made safe, shown as it is."""

    text: str


class Page(Value):
    """Text that is laid out for the width of the terminal, in columns."""

    layout: Callable[[int], str]


class Status(Value):
    """The exit status of what ran; None if none was reported, which counts as failed."""

    status: int | None


class Leave(Value):
    """The front end is to end."""


Outcome = str | Changed | Document | Watched | Text | Page | Status | Leave
