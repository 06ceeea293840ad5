"""What every program that meets a fault owes its user: one sentence, and a right status."""

from __future__ import annotations

import re
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
    # A replay tells in its output what a performed recipe printed, and what differs.
    told = ended.stderr.strip() or re.search(r"shellplay: |line \d+: ", ended.stdout)
    if ended.returncode and not told:
        found.append("a failure without a word")
    return found
