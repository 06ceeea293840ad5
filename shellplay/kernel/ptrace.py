"""ptrace(2): the requests that a remote syscall needs, one function each.

All requests for a tracee must come from the thread that seized it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress

from shellplay.errors import KernelError, ShellGone
from shellplay.kernel import constants as k
from shellplay.kernel.architecture import Architecture

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _request(request: int, pid: int, address: int = 0, data: int = 0, *, name: str) -> None:
    if _libc.ptrace(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        if number == errno.ESRCH:
            # Not stopped, or not ours, or dead: after a seize only death can be meant.
            raise ShellGone(f"process {pid} has ended")
        raise KernelError(f"ptrace({name})", number, f"PID {pid}")


def seize(pid: int) -> None:
    """Attach without stopping."""
    _request(k.PTRACE_SEIZE, pid, name="PTRACE_SEIZE")


def set_options(pid: int, options: int) -> None:
    """Say which events of a stopped tracee are reported; new children are seized too."""
    _request(k.PTRACE_SETOPTIONS, pid, 0, options, name="PTRACE_SETOPTIONS")


def interrupt(pid: int) -> None:
    """Ask a seized process to stop."""
    _request(k.PTRACE_INTERRUPT, pid, name="PTRACE_INTERRUPT")


def resume(pid: int) -> None:
    """Let a stopped tracee run on."""
    _request(k.PTRACE_CONT, pid, name="PTRACE_CONT")


def single_step(pid: int) -> None:
    """Let a stopped tracee run one instruction; a system call counts as one."""
    _request(k.PTRACE_SINGLESTEP, pid, name="PTRACE_SINGLESTEP")


def detach(pid: int) -> None:
    """Let go of a stopped tracee."""
    _request(k.PTRACE_DETACH, pid, name="PTRACE_DETACH")


def event_message(pid: int) -> int:
    """Return the PID of the child that a fork event announced."""
    message = ctypes.c_ulong()
    address = ctypes.addressof(message)
    _request(k.PTRACE_GETEVENTMSG, pid, 0, address, name="PTRACE_GETEVENTMSG")
    return message.value


class Registers:
    """A copy of the general registers of a stopped tracee, by name."""

    def __init__(self, architecture: Architecture) -> None:
        self._places = architecture.places
        self._words = (ctypes.c_uint64 * len(architecture.registers))()
        self._size = ctypes.sizeof(self._words)
        self._vector = _IoVector(ctypes.addressof(self._words), self._size)
        self._address = ctypes.addressof(self._vector)

    def keys(self) -> Iterable[str]:
        """Return the names."""
        return self._places

    def __getitem__(self, name: str) -> int:
        return self._words[self._places[name]]

    def become(self, others: Registers, changes: Mapping[str, int]) -> None:
        """Take over other registers, with some changed."""
        ctypes.memmove(self._words, others._words, self._size)
        for name, word in changes.items():
            self._words[self._places[name]] = word

    def read(self, pid: int) -> None:
        """Take the registers of a process; raise KernelError (ENOEXEC) if it is 32-bit."""
        _request(k.PTRACE_GETREGSET, pid, k.NT_PRSTATUS, self._address, name="PTRACE_GETREGSET")
        if self._vector.length != self._size:
            raise KernelError("ptrace(PTRACE_GETREGSET)", errno.ENOEXEC, f"PID {pid} is 32-bit")

    def write(self, pid: int) -> None:
        """Set the registers of a process."""
        _request(k.PTRACE_SETREGSET, pid, k.NT_PRSTATUS, self._address, name="PTRACE_SETREGSET")


def reap(pid: int) -> None:
    """Wait for the death of a tracee: before, it is no zombie to its parent."""
    with suppress(ShellGone):
        wait_stop(pid)


def kill(pid: int) -> None:
    """Kill a tracee and wait for its death."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    reap(pid)


def wait_stop(pid: int) -> tuple[int, int]:
    """Wait until a tracee stops and return (signal, event); raise ShellGone if it ended."""
    try:
        _, status = os.waitpid(pid, k.WALL)
    except ChildProcessError:
        status = 0  # It was killed, and its parent has reaped it.
    if not os.WIFSTOPPED(status):
        raise ShellGone(f"process {pid} has ended")
    return os.WSTOPSIG(status), status >> 16
