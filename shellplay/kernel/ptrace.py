"""The requests of ptrace(2) for remote syscalls, a function for each.

The kernel accepts requests for a tracee only from the thread that seized it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress

from shellplay.errors import KernelError, ShellGone
from shellplay.kernel import constants as k
from shellplay.kernel.architecture import WORD, Architecture, native
from shellplay.kernel.filter_program import INSTRUCTION_SIZE

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


# struct ptrace_syscall_info, linux/ptrace.h.
_SYSCALL_INFO_SIZE, _SYSCALL_INFO_HEAD = 88, 24
# struct siginfo of asm-generic/siginfo.h: signal, errno and code.
_SIGNAL_INFO_SIZE, _SIGNAL_INFO_HEAD = 128, struct.Struct("3i")
_ENTRY, _RESULT, _ARCHITECTURE = struct.Struct("7Q"), struct.Struct("q"), struct.Struct("I")
_NT_ARM_SYSTEM_CALL = 0x404


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _request(request: int, pid: int, address: int = 0, data: int = 0, *, name: str) -> None:
    if _libc.ptrace(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        if number == errno.ESRCH:
            # ESRCH means not stopped, not our tracee, or dead.  After PTRACE_SEIZE only the
            # death is possible.
            raise ShellGone(f"process {pid} has ended")
        raise KernelError(f"ptrace({name})", number, f"PID {pid}")


def seize(pid: int, options: int = 0) -> None:
    """Attach to a process without a stop, PTRACE_SEIZE; ``options`` are PTRACE_O_*."""
    _request(k.PTRACE_SEIZE, pid, 0, options, name="PTRACE_SEIZE")


def set_options(pid: int, options: int) -> None:
    """Set PTRACE_O_* of a stopped tracee; with TRACEFORK its new children are seized too."""
    _request(k.PTRACE_SETOPTIONS, pid, 0, options, name="PTRACE_SETOPTIONS")


def interrupt(pid: int) -> None:
    """Stop a seized process, PTRACE_INTERRUPT; ``wait_stop`` waits for the stop."""
    _request(k.PTRACE_INTERRUPT, pid, name="PTRACE_INTERRUPT")


def resume(pid: int) -> None:
    """Continue a stopped tracee, PTRACE_CONT."""
    _request(k.PTRACE_CONT, pid, name="PTRACE_CONT")


def single_step(pid: int) -> None:
    """Run one instruction, or one system call, of a stopped tracee, PTRACE_SINGLESTEP."""
    _request(k.PTRACE_SINGLESTEP, pid, name="PTRACE_SINGLESTEP")


def resume_to_call(pid: int, number: int = 0) -> None:
    """Continue a stopped tracee up to its next system call, PTRACE_SYSCALL.

    ``number`` is the signal to deliver, 0 for none.
    """
    _request(k.PTRACE_SYSCALL, pid, 0, number, name="PTRACE_SYSCALL")


def listen(pid: int) -> None:
    """Leave a tracee in its group stop, until SIGCONT, PTRACE_LISTEN."""
    _request(k.PTRACE_LISTEN, pid, name="PTRACE_LISTEN")


def seccomp_filter(pid: int, place: int) -> bytes:
    """Return a filter of a stopped tracee as struct sock_filter[], PTRACE_SECCOMP_GET_FILTER.

    ``place`` 0 is the newest filter.  Raises KernelError: ENOENT if there is no such filter,
    EACCES if it takes a privilege that this process does not have.
    """
    name = "PTRACE_SECCOMP_GET_FILTER"
    length = _libc.ptrace(k.PTRACE_SECCOMP_GET_FILTER, pid, place, None)
    if length < 0:
        raise KernelError(f"ptrace({name})", ctypes.get_errno(), f"PID {pid}")
    program = ctypes.create_string_buffer(length * INSTRUCTION_SIZE)
    address = ctypes.addressof(program)
    if _libc.ptrace(k.PTRACE_SECCOMP_GET_FILTER, pid, place, address) < 0:
        raise KernelError(f"ptrace({name})", ctypes.get_errno(), f"PID {pid}")
    return program.raw


def syscall_info(pid: int) -> tuple[int, int, tuple[int, ...]]:
    """Return kind and architecture of a syscall stop, and its numbers, PTRACE_GET_SYSCALL_INFO.

    At the entry these are the number of the call and six arguments, at the exit the result.
    The architecture is an AUDIT_ARCH_*, linux/audit.h: a program may make 32-bit calls, too.
    """
    info = ctypes.create_string_buffer(_SYSCALL_INFO_SIZE)
    address = ctypes.addressof(info)
    name = "PTRACE_GET_SYSCALL_INFO"
    _request(k.PTRACE_GET_SYSCALL_INFO, pid, _SYSCALL_INFO_SIZE, address, name=name)
    kind, (architecture,) = info.raw[0], _ARCHITECTURE.unpack_from(info.raw, 4)
    if kind == k.PTRACE_SYSCALL_INFO_EXIT:
        return kind, architecture, _RESULT.unpack_from(info.raw, _SYSCALL_INFO_HEAD)
    return kind, architecture, _ENTRY.unpack_from(info.raw, _SYSCALL_INFO_HEAD)


def skip_call(pid: int) -> None:
    """Let a tracee, at the entry of a call, leave it with ENOSYS, without making it."""
    architecture = native()
    registers, changed = Registers(architecture), Registers(architecture)
    registers.read(pid)
    if architecture.machine == "x86_64":
        changed.copy_from(registers, {"orig_rax": WORD - 1})
    else:
        number = ctypes.c_int(-1)
        vector = _IoVector(ctypes.addressof(number), ctypes.sizeof(number))
        address = ctypes.addressof(vector)
        name = "PTRACE_SETREGSET"
        _request(k.PTRACE_SETREGSET, pid, _NT_ARM_SYSTEM_CALL, address, name=name)
        changed.copy_from(registers, {"x0": WORD - errno.ENOSYS})
    changed.write(pid)


def detach(pid: int) -> None:
    """Detach from a stopped tracee, PTRACE_DETACH; it continues."""
    _request(k.PTRACE_DETACH, pid, name="PTRACE_DETACH")


def event_message(pid: int) -> int:
    """Return the PID of the child of the last fork event, PTRACE_GETEVENTMSG."""
    message = ctypes.c_ulong()
    address = ctypes.addressof(message)
    _request(k.PTRACE_GETEVENTMSG, pid, 0, address, name="PTRACE_GETEVENTMSG")
    return message.value


def is_from_kernel(pid: int) -> bool:
    """Tell whether the kernel has sent the signal of a stop itself, PTRACE_GETSIGINFO.

    No process can send one with such a code, rt_sigqueueinfo(2).
    """
    info = ctypes.create_string_buffer(_SIGNAL_INFO_SIZE)
    address = ctypes.addressof(info)
    _request(k.PTRACE_GETSIGINFO, pid, 0, address, name="PTRACE_GETSIGINFO")
    _, _, code = _SIGNAL_INFO_HEAD.unpack_from(info.raw)
    return bool(code > 0)


class Registers:
    """A copy of the general registers of a stopped tracee, by name."""

    def __init__(self, architecture: Architecture) -> None:
        self._positions = architecture.positions
        self._words = (ctypes.c_uint64 * len(architecture.registers))()
        self._size = ctypes.sizeof(self._words)
        self._vector = _IoVector(ctypes.addressof(self._words), self._size)
        self._address = ctypes.addressof(self._vector)

    def keys(self) -> Iterable[str]:
        """Return the names of the registers."""
        return self._positions

    def __getitem__(self, name: str) -> int:
        return self._words[self._positions[name]]

    def copy_from(self, others: Registers, changes: Mapping[str, int]) -> None:
        """Copy all values of ``others``, then apply ``changes``."""
        ctypes.memmove(self._words, others._words, self._size)
        for name, word in changes.items():
            self._words[self._positions[name]] = word

    def read(self, pid: int) -> None:
        """Read the registers of a process; raise KernelError (ENOEXEC) if it is 32-bit."""
        _request(k.PTRACE_GETREGSET, pid, k.NT_PRSTATUS, self._address, name="PTRACE_GETREGSET")
        if self._vector.length != self._size:
            raise KernelError("ptrace(PTRACE_GETREGSET)", errno.ENOEXEC, f"PID {pid} is 32-bit")

    def write(self, pid: int) -> None:
        """Write the registers to a process."""
        _request(k.PTRACE_SETREGSET, pid, k.NT_PRSTATUS, self._address, name="PTRACE_SETREGSET")


def reap(pid: int) -> None:
    """Wait for the death of a tracee; its parent can reap it only after this wait."""
    with suppress(ShellGone):
        wait_stop(pid)


def kill(pid: int) -> None:
    """Kill a tracee and wait for its death."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    reap(pid)


def wait_stop(pid: int) -> tuple[int, int]:
    """Wait until a tracee stops; return signal and event.  Raises ShellGone if it has ended."""
    try:
        _, status = os.waitpid(pid, k.WALL)
    except ChildProcessError:
        status = 0  # The tracee was killed, and its parent has reaped it.
    if not os.WIFSTOPPED(status):
        raise ShellGone(f"process {pid} has ended")
    return os.WSTOPSIG(status), status >> 16
