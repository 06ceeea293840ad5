"""Remote syscalls: a live process makes the calls, by ptrace(2), and notices nothing.

The process is seized and stopped, its registers are kept, an existing syscall instruction
is stepped over with other registers, and the kept ones are put back.  The last stop is
inside the kernel's signal delivery, so the kernel itself restarts the call that was
interrupted: a ``read`` or ``select`` at a prompt goes on as if nothing had been.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shellplay.errors import KernelError, ShellGone
from shellplay.kernel import constants as k
from shellplay.kernel import procfs, ptrace
from shellplay.kernel.architecture import RESTART_CODES, Architecture, native
from shellplay.kernel.caller import HERE, SOCK_FPROG, Argument, Caller, Program, note

FOLLOW_FORKS = k.PTRACE_O_TRACEFORK | k.PTRACE_O_TRACEVFORK | k.PTRACE_O_TRACECLONE
FORK_EVENTS = {k.PTRACE_EVENT_FORK, k.PTRACE_EVENT_VFORK, k.PTRACE_EVENT_CLONE}
# A filter has at most 4096 instructions of 8 bytes.
SCRATCH_SIZE = 65536

# struct msghdr, struct iovec and struct cmsghdr with one descriptor, see recvmsg(2).
MESSAGE = struct.Struct("7Q")
IO_VECTOR = struct.Struct("QQ")
ONE_DESCRIPTOR = struct.Struct("Qiii4x")


class Tracee(Caller):
    """A stopped process that makes calls for us; made by ``seized`` and ``forked``."""

    remote = True

    def __init__(self, pid: int, architecture: Architecture, saved: dict[str, int]) -> None:
        self.pid = pid
        self.leave_stopped = self.leave_dead = False
        self._architecture = architecture
        self._saved = saved
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        self._gadget: int | None = None
        self._scratch: int | None = None
        self._born: int | None = None
        self._parent: Tracee | None = None
        self._held_back: list[int] = []

    # -- state ---------------------------------------------------------------------------

    def interrupted_call(self) -> str | None:
        """Return the name of the call that the process was waiting in, if we know it."""
        at_instruction = self._holds_instruction(
            self._architecture.program_counter(self._saved)
        )
        number = self._architecture.interrupted_call(self._saved, at_instruction=at_instruction)
        names = {value: name for name, value in self._architecture.numbers.items()}
        return None if number is None else names.get(number)

    def read_memory(self, address: int, size: int) -> bytes:
        """Read the process's memory."""
        return os.pread(self._memory, size, address)

    def write_memory(self, address: int, content: bytes) -> None:
        """Write the process's memory."""
        os.pwrite(self._memory, content, address)

    # -- calls ---------------------------------------------------------------------------

    def syscall(self, name: str, *arguments: Argument) -> int:
        """Make one call and return its raw result."""
        words: list[int] = []
        copied: list[tuple[int, bytearray]] = []
        free = 0
        for each in arguments:
            if each is None:
                words.append(0)
            elif isinstance(each, int):
                words.append(each % (1 << 64))
            else:
                address = self._scratch_memory() + free
                if isinstance(each, Program):
                    content = each.header(address + SOCK_FPROG.size) + each.instructions
                else:
                    content = bytes(each)
                self.write_memory(address, content + b"\0")
                free += (len(content) + 16) & ~15
                words.append(address)
                if isinstance(each, bytearray):
                    copied.append((address, each))
        result = self._step_over(self._architecture.number(name), tuple(words))
        for address, buffer in copied:
            buffer[:] = self.read_memory(address, len(buffer))
        return result

    @contextmanager
    def passed(self, fd: int) -> Iterator[int]:
        """Give the process a duplicate of our descriptor for the block."""
        ends = bytearray(8)
        self.call("socketpair", k.AF_UNIX, k.SOCK_DGRAM | k.SOCK_CLOEXEC, 0, ends)
        ours, theirs = struct.unpack("ii", ends)
        try:
            number = self._receive(fd, ours, theirs)
        finally:
            self.close(ours)
            self.close(theirs)
        try:
            yield number
        finally:
            # A foreign descriptor left open in the shell would be a way out of its fences.
            self.close(number)

    def _receive(self, fd: int, ours: int, theirs: int) -> int:
        with pidfd(self.pid) as process:
            end = HERE.pidfd_getfd(process, ours)
        with socket.socket(fileno=end) as near:
            socket.send_fds(near, [b"."], [fd])
        base = self._scratch_memory()
        vector, byte, control = base + 64, base + 96, base + 128
        header = MESSAGE.pack(0, 0, vector, 1, control, ONE_DESCRIPTOR.size, 0)
        self.write_memory(base, header)
        self.write_memory(vector, IO_VECTOR.pack(byte, 1))
        self.call("recvmsg", theirs, base, k.MSG_CMSG_CLOEXEC)
        _, _, _, number = ONE_DESCRIPTOR.unpack(self.read_memory(control, ONE_DESCRIPTOR.size))
        return int(number)

    # -- forking -------------------------------------------------------------------------

    @contextmanager
    def forked(self, flags: int = 0) -> Iterator[tuple[Tracee, int]]:
        """Fork the process for the block."""
        # After the block the copy goes on where the original was interrupted.
        # Only now: a child that bash forks by itself is none of ours.
        ptrace.set_options(self.pid, FOLLOW_FORKS)
        inside = self.clone(flags)
        if self._born is None:
            raise ShellGone(f"the copy of process {self.pid} has ended")
        ptrace.wait_stop(self._born)
        copy = Tracee(self._born, self._architecture, self._saved)
        copy._gadget, copy._scratch = self._gadget, self._scratch
        copy._parent = parent = self._parent if flags & k.CLONE_PARENT else self
        try:
            yield copy, inside
            if not copy.leave_dead:
                copy._let_go()
        except BaseException:
            copy.leave_dead = True
            raise
        finally:
            if copy.leave_dead:
                _kill_traced(copy.pid)
                if parent is not None:
                    parent.reap(inside)
            os.close(copy._memory)

    @contextmanager
    def forked_by_way_of(self, turn: Callable[[Tracee], None]) -> Iterator[tuple[Tracee, int]]:
        """Fork for the block by way of a copy that ``turn`` prepares and that ends with it.

        So the process has a child with what only children can get, and not for itself.
        """
        with self.forked() as (between, _):
            between.leave_dead = True
            turn(between)
            with between.forked(k.CLONE_PARENT) as born:
                yield born

    # -- internals -----------------------------------------------------------------------

    def _step_over(self, number: int, words: tuple[int, ...]) -> int:
        if self._gadget is None:
            self._gadget = self._find_gadget()
        prepared = self._architecture.prepared(self._saved, self._gadget, number, words)
        ptrace.write_registers(self.pid, self._architecture, prepared)
        while True:
            ptrace.single_step(self.pid)
            number, event = ptrace.wait_stop(self.pid)
            if event in FORK_EVENTS:
                self._born = ptrace.event_message(self.pid)
            elif number == signal.SIGTRAP and event == 0:
                break
            elif event != k.PTRACE_EVENT_STOP:
                # A real signal: suppressed here, delivered when we let go.  An EVENT_STOP is
                # a group stop or interrupt reported again before our instruction ran.
                self._held_back.append(number)
        registers = ptrace.read_registers(self.pid, self._architecture)
        result = self._architecture.result(registers)
        if -result in RESTART_CODES:
            raise KernelError("remote syscall", -result, f"PID {self.pid}")
        return result

    def _holds_instruction(self, address: int) -> bool:
        wanted = self._architecture.instruction
        try:
            return self.read_memory(address, len(wanted)) == wanted
        except OSError:
            return False

    def _find_gadget(self) -> int:
        for address in self._architecture.likely_gadgets(self._saved):
            if self._holds_instruction(address):
                return address
        return self._scan_for_gadget()

    def _scan_for_gadget(self) -> int:
        # The process was in its own code, not in a call: any executable page will do; the
        # vdso comes first because every process has it and its copy is small.
        with Path(f"/proc/{self.pid}/maps").open() as maps:
            lines = [line.split() for line in maps if " r-xp " in line]
        lines.sort(key=lambda fields: fields[-1] != "[vdso]")
        for fields in lines:
            start, end = (int(each, 16) for each in fields[0].split("-"))
            code = self.read_memory(start, end - start)
            found = code.find(self._architecture.instruction)
            while found > 0 and found % self._architecture.alignment:
                found = code.find(self._architecture.instruction, found + 1)
            if found >= 0:
                return start + found
        raise ShellGone(f"process {self.pid} has no syscall instruction mapped")

    def _scratch_memory(self) -> int:
        if self._scratch is None:
            self._scratch = self.call(
                "mmap", 0, SCRATCH_SIZE, k.PROT_READ | k.PROT_WRITE,
                k.MAP_PRIVATE | k.MAP_ANONYMOUS, -1, 0,
            )  # fmt: skip
        return self._scratch

    def _let_go(self) -> None:
        try:
            self._put_back()
        except ShellGone:
            _bury(self.pid)
            raise

    def _put_back(self) -> None:
        if self._scratch is not None:
            self.call("munmap", self._scratch, SCRATCH_SIZE)
        ptrace.write_registers(self.pid, self._architecture, self._saved)
        # Sent before the detach, so that none overtakes the restart of the interrupted call;
        # and not given to ptrace, which drops a signal if no call was made: then the stop is
        # not one in which a signal is delivered.
        for each in self._held_back:
            os.kill(self.pid, each)
        if self.leave_stopped:
            os.kill(self.pid, signal.SIGSTOP)
        ptrace.detach(self.pid)
        note(HERE, "ptrace", ("PTRACE_DETACH", str(self.pid)), 0)


@contextmanager
def seized(pid: int) -> Iterator[Tracee]:
    """Stop a live process, let it make calls for us, and let it go on afterwards.

    Raises KernelError (EPERM) if ptrace is refused, ShellGone if the process ended.
    """
    architecture = native()
    _seize(pid)
    try:
        ptrace.interrupt(pid)
        held_back = _await_interrupt(pid)
        tracee = Tracee(pid, architecture, ptrace.read_registers(pid, architecture))
    except ShellGone:
        _bury(pid)
        raise
    except (KernelError, OSError):
        ptrace.detach(pid)
        raise
    tracee._held_back += held_back
    try:
        yield tracee
    except BaseException:
        # If the process itself has ended, this says so; a ShellGone may be about another.
        tracee._let_go()
        raise
    else:
        tracee._let_go()
    finally:
        os.close(tracee._memory)


@contextmanager
def pidfd(pid: int) -> Iterator[int]:
    """Hold a pidfd of a process for the ``with`` block."""
    fd = HERE.pidfd_open(pid)
    try:
        yield fd
    finally:
        os.close(fd)


def _seize(pid: int) -> None:
    try:
        ptrace.seize(pid)
    except KernelError as error:
        # A zombie is refused like somebody else's process.
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


def _kill_traced(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _bury(pid)


def _bury(pid: int) -> None:
    # A process that dies while it is traced is a zombie to its parent only after our wait.
    with suppress(ShellGone, ChildProcessError):
        ptrace.wait_stop(pid)
