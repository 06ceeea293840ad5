"""The journal: the system calls that were really made, here or in the live bash.

``trace`` opens a journal around the work; without a journal nothing is recorded.
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
        """The process that made a call, see ``Caller``, which imports this module."""

        pid: int
        remote: bool


_open: ContextVar[Journal | None] = ContextVar("journal", default=None)


class Journal:
    """An ordered list of calls, filled while it is ``recording()``."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def calls(self) -> list[Call]:
        """Return the calls since the last ``clear()``, oldest first."""
        return list(self._calls)

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()

    def add(self, call: Call) -> None:
        """Write one call down."""
        self._calls.append(call)

    @contextmanager
    def recording(self) -> Iterator[Journal]:
        """Write down every call that this thread makes inside the ``with`` block."""
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
    """Write a call down that was made without ``Caller.call``, if a journal is open."""
    book = current()
    if book is not None:
        # Loaded here: a process without a journal, as the monitor, needs no value for it.
        from shellplay.model import Call

        book.add(Call(caller.pid, name, shown, result, caller.remote, same_as))
