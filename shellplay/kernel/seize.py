"""Stop a running process by ptrace(2), and restore and continue it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.errors import KernelError, ShellGone
from shellplay.kernel import constants as k
from shellplay.kernel import procfs, ptrace
from shellplay.kernel.architecture import native
from shellplay.kernel.call_log import note
from shellplay.kernel.here import HERE
from shellplay.kernel.processor import on_one_processor
from shellplay.kernel.tracee import Tracee


@contextmanager
def seized(pid: int) -> Iterator[Tracee]:
    """Stop a process for the block, and yield the caller that makes calls in it.

    Raises KernelError (EPERM) if ptrace(2) is refused, ShellGone if the process has ended.
    """
    with on_one_processor(pid) as processors:
        _seize(pid)
        try:
            ptrace.interrupt(pid)
            held_back = _await_interrupt(pid)
            saved = ptrace.Registers(native())
            saved.read(pid)
            tracee = Tracee(pid, saved, processors, held_back)
        except ShellGone:
            ptrace.reap(pid)
            raise
        except (KernelError, OSError):
            ptrace.detach(pid)
            raise
        try:
            yield tracee
        finally:
            # If the process has ended, detach raises ShellGone for it.  This replaces a
            # ShellGone for another process.
            try:
                tracee.detach()
            finally:
                tracee.close_memory()


def _seize(pid: int) -> None:
    try:
        ptrace.seize(pid)
    except KernelError as error:
        # The kernel refuses a zombie with EPERM, like a process of another user.
        stat = procfs.stat(pid)
        if stat is None or stat.state in "ZX":
            raise ShellGone(f"process {pid} has ended") from error
        raise
    note(HERE, "ptrace", ("PTRACE_SEIZE", str(pid)), 0)


def _await_interrupt(pid: int) -> list[int]:
    held_back: list[int] = []
    while True:
        number, event = ptrace.wait_stop(pid)
        if event == k.PTRACE_EVENT_STOP:
            return held_back
        held_back.append(number)
        ptrace.resume(pid)
