"""The time of a long work, in one line on standard error that the next output replaces."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

FIRST_SECONDS = 1.0
CLEAR = "\r\x1b[K"

Said = TypeVar("Said")
Result = TypeVar("Result")


def timed(
    work: Generator[Said, None, Result], what: str, *, shows: bool
) -> Generator[Said, None, Result]:
    """Yield what ``work`` yields, and return its result; after a second show how long it takes.

    ``what`` is short safe text that names the work.  Without ``shows``, or if standard error
    is not a terminal with a movable cursor, nothing is shown.
    """
    dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown")
    if not shows or dumb or not sys.stderr.isatty():
        return (yield from work)
    began = time.monotonic()
    try:
        while True:
            with _line(what, began):
                try:
                    said = next(work)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
            yield said
    finally:
        work.close()


@contextmanager
def _line(what: str, began: float) -> Iterator[None]:
    """Show the seconds since ``began`` during the block, and remove them after it."""
    over = threading.Event()

    def show() -> None:
        while not over.wait(FIRST_SECONDS):
            _write(f"{CLEAR}{what}: {time.monotonic() - began:.0f} s")

    thread = threading.Thread(target=show, name="elapsed", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if time.monotonic() - began >= FIRST_SECONDS:
            _write(CLEAR)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
