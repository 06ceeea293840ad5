"""Sentences on a terminal, and the same in a pipe."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest

from shellplay.cmdline.printer import Printer
from shellplay.errors import Refused
from shellplay.shell.pty import set_size

SENTENCE = "one two three four five six seven eight"
WAYS: dict[str, Callable[[Printer], None]] = {
    "result": lambda printer: printer.say(SENTENCE),
    "note": lambda printer: printer.note(SENTENCE),
    "error": lambda printer: printer.error(Refused(SENTENCE)),
}


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, TextIO]]:
    """The two sides of a terminal of 30 columns."""
    monkeypatch.delenv("COLUMNS", raising=False)
    ours, theirs = os.openpty()
    set_size(ours, 30, 10)
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        yield ours, terminal
    os.close(ours)


@pytest.mark.parametrize("way", WAYS)
def test_a_sentence_breaks_between_words_on_a_terminal_only(
    way: str, sides: tuple[int, TextIO]
) -> None:
    ours, terminal = sides
    pipe = io.StringIO()
    printer = Printer(terminal, terminal, color=False)
    printer.copies.append(Printer(pipe, pipe, color=False))
    WAYS[way](printer)
    first, second, last = os.read(ours, 4096).decode().split("\r\n")
    assert second.startswith("  ")
    assert last == ""
    assert pipe.getvalue() == f"{first} {second.strip()}\n"


def test_what_comes_from_inside_stays_as_it_is(sides: tuple[int, TextIO]) -> None:
    ours, terminal = sides
    printer = Printer(terminal, terminal, color=False)
    printer.text(SENTENCE)
    printer.show(SENTENCE)
    shown = b""
    while shown.count(b"\n") < 2:
        shown += os.read(ours, 4096)
    assert shown.decode() == f"{SENTENCE}\r\n" * 2
