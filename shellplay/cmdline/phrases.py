"""Sentences that more than one command says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shellplay.model import Job

if TYPE_CHECKING:
    from shellplay.container.container import Container


def born(container: Container) -> str:
    """Say that a container was made."""
    return f"{container.label}: bash {container.pid}, no fences"


def count(processes: int) -> str:
    """Say a number of processes."""
    return f"{processes} process{'' if processes == 1 else 'es'}"


def started(job: Job) -> str:
    """Say a job's number and both of its PIDs, or that it has ended before it had been seen."""
    number = f"[{job.number}] " if job.number is not None else ""
    if job.pid is None:
        return f"{number}has ended already"
    return number + numbers(job.pid, job.inside)


def numbers(pid: int, inside: Sequence[int]) -> str:
    """Say the PID of a process on the host and those inside."""
    chain = "/".join(map(str, inside[1:]))
    return f"{pid} on the host" + (f", {chain} inside" if chain else "")
