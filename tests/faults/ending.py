"""What every program that meets a fault owes its user: one sentence, and a right status."""

from __future__ import annotations

from typing import Protocol

# Of a program that Python ended: a flush at exit that failed, or a bug.
WRONG_STATUSES = (70, 120)


class Ended(Protocol):
    """The end of a program: its exit status, and what it wrote."""

    @property
    def returncode(self) -> int:
        """The exit status."""

    @property
    def stdout(self) -> str:
        """The text."""

    @property
    def stderr(self) -> str:
        """The text."""


def faults_of(ended: Ended) -> list[str]:
    """Return what is wrong with the end of a program that met a fault; empty if nothing is."""
    found = []
    if "Traceback" in ended.stderr or "Exception ignored" in ended.stderr:
        found.append("a traceback")
    if "mistake in shellplay" in ended.stderr:
        found.append("a fault that is told as a bug")
    if ended.returncode < 0 or ended.returncode in WRONG_STATUSES:
        found.append(f"exit status {ended.returncode}")
    # What a performed recipe prints, errors too, is the output of a replay.
    if ended.returncode and not ended.stderr.strip() and "shellplay: " not in ended.stdout:
        found.append("a failure without a word")
    return found
