r"""Prompt marks (OSC 133) for terminals, and for programs that drive the front end.

A: the prompt begins; B: the prompt reads keys; C: the line was read, and output follows;
D;STATUS: the output is complete.  SHELLPLAY_MARKS=0 turns the marks off.  Any other word
stands in each mark as ``k=WORD``, so that a program in a container cannot forge a mark.  In
plain mode there are marks only if such a word is set.  They are lines without escapes:
``\x1eB WORD 3``, with the number of the prompt, and ``\x1eD WORD 3 STATUS``.
"""

import os
from typing import TextIO

RECORD_SEPARATOR = "\x1e"


def marks_key() -> str | None:
    """Return the word in SHELLPLAY_MARKS; None if it is not set, ``0`` or ``1``."""
    word = os.environ.get("SHELLPLAY_MARKS", "")
    return word if word not in ("", "0", "1") else None


class Marks:
    """The base class of both forms; it writes nothing, and serves where marks are off."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.number = 0

    def prompt(self) -> None:
        """Mark the beginning of a prompt, and count it."""
        self.number += 1
        self.write("A")

    def ready(self) -> None:
        """Mark that the prompt was drawn and reads keys."""
        self.write("B")

    def output(self) -> None:
        """Mark the beginning of the output of a line."""
        self.write("C")

    def done(self, status: int) -> None:
        """Mark the end of the output of a line, with its exit status."""
        self.write("D", status)

    def write(self, letter: str, status: int | None = None) -> None:
        """Write one mark in the form of the class; ``status`` is None except for D."""


class EscapeMarks(Marks):
    """Marks as OSC 133 escape sequences, which terminals do not display."""

    def write(self, letter: str, status: int | None = None) -> None:
        """Write ``ESC ] 133 ; LETTER [; STATUS] [; k=WORD] BEL``."""
        fields = ["133", letter]
        if status is not None:
            fields.append(str(status))
        if word := marks_key():
            fields.append(f"k={word}")
        self.out.write(f"\x1b]{';'.join(fields)}\x07")
        self.out.flush()


class LineMarks(Marks):
    """Marks as lines of text that begin with the record separator (0x1e)."""

    def write(self, letter: str, status: int | None = None) -> None:
        """Write one line."""
        tail = "" if status is None else f" {status}"
        self.out.write(f"{RECORD_SEPARATOR}{letter} {marks_key()} {self.number}{tail}\n")
        self.out.flush()


def marks_for(out: TextIO, *, plain: bool) -> Marks:
    """Return marks in the form for SHELLPLAY_MARKS and the kind of front end."""
    if os.environ.get("SHELLPLAY_MARKS") == "0":
        return Marks(out)
    if plain:
        return LineMarks(out) if marks_key() else Marks(out)
    return EscapeMarks(out)
