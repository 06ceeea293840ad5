r"""Prompt marks (OSC 133) for terminals, and for programs that drive the front end.

A: the prompt begins; B: it is ready for keys; C: the line was taken, output follows;
D;STATUS: the output is complete.  SHELLPLAY_MARKS=0 turns them off; any other word is
put into each as ``k=WORD``, so that what runs inside cannot fake one.  In plain mode there
are no marks unless such a word is set; then they are lines without escapes:
``\x1eB WORD 3``, with the number of the prompt, and ``\x1eD WORD 3 STATUS``.
"""

import os
from typing import TextIO

PLAIN_SIGN = "\x1e"


def key() -> str | None:
    """Return the word of SHELLPLAY_MARKS that marks are to carry, if one is set."""
    word = os.environ.get("SHELLPLAY_MARKS", "")
    return word if word not in ("", "0", "1") else None


class Marks:
    """Writes nothing; the base of the two forms, and the form where marks are off."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.number = 0

    def prompt(self) -> None:
        """Mark that a prompt begins, and count it."""
        self.number += 1
        self.write("A")

    def ready(self) -> None:
        """Mark that the prompt is drawn and reads keys."""
        self.write("B")

    def output(self) -> None:
        """Mark that the output of a line begins."""
        self.write("C")

    def done(self, status: int) -> None:
        """Mark that the output of a line is complete."""
        self.write("D", status)

    def write(self, letter: str, status: int | None = None) -> None:
        """Write one mark in the form of the class."""


class EscapeMarks(Marks):
    """OSC 133 escapes, which a terminal does not show."""

    def write(self, letter: str, status: int | None = None) -> None:
        """Write ``ESC ] 133 ; LETTER [; STATUS] [; k=WORD] BEL``."""
        fields = ["133", letter]
        if status is not None:
            fields.append(str(status))
        if word := key():
            fields.append(f"k={word}")
        self.out.write(f"\x1b]{';'.join(fields)}\x07")
        self.out.flush()


class LineMarks(Marks):
    """Lines of text that begin with a record separator."""

    def write(self, letter: str, status: int | None = None) -> None:
        """Write one line."""
        tail = "" if status is None else f" {status}"
        self.out.write(f"{PLAIN_SIGN}{letter} {key()} {self.number}{tail}\n")
        self.out.flush()


def marks_for(out: TextIO, *, plain: bool) -> Marks:
    """Choose the form of the marks by the environment and the front end."""
    if os.environ.get("SHELLPLAY_MARKS") == "0":
        return Marks(out)
    if plain:
        return LineMarks(out) if key() else Marks(out)
    return EscapeMarks(out)
