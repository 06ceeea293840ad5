"""The journal of system calls that callers made, in this process or in another one.

``trace`` opens a journal for one command.  Without an open journal no call is recorded.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from shellplay.model import Call

    class Maker(Protocol):
        """The process that made a call: a ``Caller``, whose module imports this one."""

        pid: int
        remote: bool


_open: ContextVar[Journal | None] = ContextVar("journal", default=None)


class Journal:
    """An ordered list of calls, filled inside ``recording()``."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def calls(self) -> list[Call]:
        """Return the calls since the last ``clear()``, oldest first."""
        return list(self._calls)

    def clear(self) -> None:
        """Remove all calls."""
        self._calls.clear()

    def add(self, call: Call) -> None:
        """Append one call."""
        self._calls.append(call)

    @contextmanager
    def recording(self) -> Iterator[Journal]:
        """Record every call that this thread makes in the ``with`` block."""
        token = _open.set(self)
        try:
            yield self
        finally:
            _open.reset(token)


def current() -> Journal | None:
    """Return the journal that is open in this thread, or None."""
    return _open.get()


def note(
    caller: Maker, name: str, shown: tuple[str, ...], result: int, same_as: str | None = None
) -> None:
    """Record a call that did not go through ``Caller.call``, if a journal is open."""
    book = current()
    if book is not None:
        # Loaded here: a process without a journal, like the monitor, does not need it.
        from shellplay.model import Call

        book.add(Call(caller.pid, name, shown, result, caller.remote, same_as))
