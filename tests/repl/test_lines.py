"""The reader of the plain loop: lines, odd bytes, and keys that belong to someone else."""

import os
from collections.abc import Callable, Iterator

import pytest

from shellplay.repl.line_reader import LineReader


@pytest.fixture
def feed() -> Iterator[tuple[Callable[[bytes], None], LineReader, Callable[[], None]]]:
    """A writer, a reader and what closes the writer, over a pipe."""
    read_end, write_end = os.pipe()
    is_open = [True]

    def close() -> None:
        if is_open.pop() and not is_open:
            os.close(write_end)
            is_open.append(False)

    yield lambda data: void(os.write(write_end, data)), LineReader(read_end), close
    if is_open[0]:
        os.close(write_end)
    os.close(read_end)


def void(_written: int) -> None:
    """Drop the number of bytes written."""


Feed = tuple[Callable[[bytes], None], LineReader, Callable[[], None]]


def test_lines_come_one_by_one_and_the_last_needs_no_end(feed: Feed) -> None:
    write, reader, close = feed
    write(b"new web\r\nps\n\nlast")
    close()
    assert [reader.read() for _ in range(5)] == ["new web", "ps", "", "last", None]


def test_bytes_that_are_no_text_are_kept(feed: Feed) -> None:
    write, reader, _close = feed
    write(b"in echo \xff\n")
    line = reader.read()
    assert line is not None
    assert os.fsencode(line) == b"in echo \xff"


def test_keys_typed_ahead_can_be_taken_and_given_back(feed: Feed) -> None:
    write, reader, _close = feed
    write(b"enter\nls\npwd\n")
    assert reader.read() == "enter"
    assert reader.take() == b"ls\npwd\n"
    reader.give_back(b"ps host\r")
    write(b"fences\n")
    assert [reader.read(), reader.read()] == ["ps host", "fences"]
