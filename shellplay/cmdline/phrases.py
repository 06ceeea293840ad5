"""Sentences that several commands print."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shellplay.model import Job

if TYPE_CHECKING:
    from shellplay.container.container import Container


def born(container: Container) -> str:
    """Return the sentence for a new container."""
    return f"{container.label}: bash started (PID {container.pid}), nothing fenced yet"


def count(processes: int) -> str:
    """Return a number of processes in words."""
    return f"{processes} process{'' if processes == 1 else 'es'}"


def started(job: Job) -> str:
    """Return the number and the PIDs of a job, or that it ended before it could be seen."""
    number = f"[{job.number}] " if job.number is not None else ""
    if job.pid is None:
        return f"{number}has ended already"
    return number + numbers(job.pid, job.inside)


def numbers(pid: int, inside: Sequence[int]) -> str:
    """Return the PID of a process on the host, and its PIDs in the container."""
    chain = "/".join(map(str, inside[1:]))
    return f"{pid} on the host" + (f", {chain} inside" if chain else "")


def bar_of(container: Container) -> str | None:
    """Return the text of the bar while the terminal is connected with a container.

    None: the settings, or a terminal that cannot move its cursor, want none.
    """
    if not container.settings.bar or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return None
    kinds = " ".join(record.fence for record in container.fences() if record.up)
    key = container.settings.detach_key.replace("C-", "Ctrl-")
    return f" {container.label}  {kinds or 'no fences'}  {key} returns"
