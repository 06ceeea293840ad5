"""Two threads may read the pipes of a program: the pty reader and the command that waits."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from shellplay.container.stdio import Stdio


class Printed:
    """A program's end of its first pipe, and what has been heard of it."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, bytes]] = []
        self.streams = Stdio(lambda *piece: self.heard.append(piece), keys=False)

    def write(self, text: bytes) -> None:
        """Print something."""
        os.write(self.streams._stdout, text)

    def end(self) -> None:
        """Print nothing any more."""
        self.streams._forget()


@pytest.fixture
def printed() -> Iterator[Printed]:
    """Two pipes, as a program has them."""
    printed = Printed()
    yield printed
    printed.streams.close()


def test_who_finds_that_another_has_read_it_goes_on(printed: Printed) -> None:
    printed.write(b"once")
    assert [printed.streams.read(printed.streams.output) for _ in range(2)] == [False, False]
    assert printed.heard == [(1, b"once")]


def test_its_end_is_told_to_everybody_who_reads(printed: Printed) -> None:
    printed.end()
    assert [printed.streams.read(printed.streams.output) for _ in range(2)] == [True, True]
    assert printed.streams.open == (printed.streams.errors,)
