"""The form in which a call is repeated: its steps, and what their results mean."""

from __future__ import annotations

from shellplay.model import Value

Step = tuple[str, tuple[int | bytes | bytearray, ...], tuple[int, ...]]


class Form(Value):
    """A harmless form of a call: steps, and the errnos that only follow a passed check.

    ``covered`` is a path whose directory has to be a copy in memory, see ``Trials.behind``.
    ``absent`` are the steps if the path of the others is not there.
    """

    steps: tuple[Step, ...]
    beyond: tuple[int, ...] = ()
    covered: str | None = None
    absent: tuple[Step, ...] = ()
