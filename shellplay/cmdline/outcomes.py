"""Outcomes: the values that a command function yields, and the interpreter prints."""

from collections.abc import Callable

from shellplay.model import Change, Value


class Changed(Value):
    """The change that a fence or a peel has made, and the label of its container."""

    change: Change
    label: str


class Document(Value):
    """Facts in two forms: a view for people, and a payload for ``--json``.

    ``view`` returns a drawing or a string, and ``title`` is a line above it.  Each form is made
    only when it is printed.
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
    """Output of a program, printed without unsafe control characters."""

    text: str


class Warned(Value):
    """A warning, printed to the error stream in the way of Docker."""

    sentence: str


class Page(Value):
    """A text that ``layout`` makes for a width in columns."""

    layout: Callable[[int], str]


class Status(Value):
    """The exit status of a program; None if none was reported, which counts as a failure."""

    status: int | None


class Then(Value):
    """A line of commands to run next, as if the user had typed it."""

    line: str


class Leave(Value):
    """The front end has to end."""


Outcome = str | Changed | Document | Watched | Text | Warned | Page | Status | Then | Leave
