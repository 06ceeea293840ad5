"""Remote syscalls: a stopped process makes calls for us, by ptrace(2), and does not notice.

The process is stopped and its registers are saved.  For each call we set other registers and
single-step over a syscall instruction of the process.  At the end we restore the registers.
The last stop is in the signal delivery of the kernel, and there the kernel restarts the
interrupted call.  So a ``read`` or ``select`` at a prompt goes on.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from contextlib import contextmanager

from shellplay.errors import KernelError, ShellGone
from shellplay.kernel import constants as k
from shellplay.kernel import ptrace
from shellplay.kernel.architecture import RESTART_CODES, native
from shellplay.kernel.call_log import note
from shellplay.kernel.caller import CLEANUP, Argument, Caller, Request, Returned
from shellplay.kernel.here import HERE
from shellplay.kernel.lowering import Layout, Lowered
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.processor import set_processors
from shellplay.kernel.ptrace import Registers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

FOLLOW_FORKS = k.PTRACE_O_TRACEFORK | k.PTRACE_O_TRACEVFORK | k.PTRACE_O_TRACECLONE
FORK_EVENTS = {k.PTRACE_EVENT_FORK, k.PTRACE_EVENT_VFORK, k.PTRACE_EVENT_CLONE}
# A filter has at most 4096 instructions of 8 bytes.
SCRATCH_SIZE = 65536
# A loop in the process makes this many calls or more: three stops then serve all of them.
MANY = 5
# The code of the loop, and a row behind it for each call: number, six arguments, result.
CODE_SIZE = 128
TABLE_ROW = struct.Struct("8q")
WORD, SIGN = 1 << 64, 1 << 63
UNMADE = -SIGN

# struct msghdr, struct iovec and struct cmsghdr with one descriptor, see recvmsg(2).
MESSAGE = struct.Struct("7Q")
IO_VECTOR = struct.Struct("QQ")
ONE_DESCRIPTOR = struct.Struct("Qiii4x")


class Tracee(Caller):
    """A stopped process that makes calls for us; ``seized`` and ``forked`` create it.

    ``processors`` are the processors that it may use afterwards, None for the present ones.
    ``held_back`` are signals that it gets afterwards.  ``kill_on_exit`` kills a copy at the
    end; ``stop_on_exit`` sends SIGSTOP.
    """

    remote = True

    def __init__(
        self,
        pid: int,
        saved: Registers,
        processors: set[int] | None,
        held_back: Iterable[int] = (),
    ) -> None:
        self.pid = pid
        self.stop_on_exit = self.kill_on_exit = False
        self._architecture = native()
        self._saved = saved
        self._registers = Registers(self._architecture)
        self._processors = processors
        self._held_back = list(held_back)
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        self._gadget: int | None = None
        self._scratch: int | None = None
        self._mapped = False
        self._born: int | None = None
        self._parent: Tracee | None = None

    # -- state ---------------------------------------------------------------------------

    def interrupted_call(self) -> str | None:
        """Return the name of the call that the stop interrupted, None if it is unknown."""
        number = self._architecture.interrupted_call(
            self._saved, at_instruction=self._is_at_instruction()
        )
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
        layout = Layout(self._scratch_memory)
        call = layout.lower(arguments)
        if layout.content:
            self.write_memory(self._scratch_memory(), layout.content)
        result = self._step_over(self._architecture.number(name), call.words)
        self._copy_back(call)
        return result

    def syscalls(self, requests: Sequence[Request]) -> Sequence[int]:
        """Make all calls up to the first failure; return their raw results."""
        if _fit_a_loop(requests) and (region := self._map_code(requests)) is not None:
            try:
                return self._run_together(requests, region)
            finally:
                self.call("munmap", *region)
        return super().syscalls(requests)

    def _map_code(self, requests: Sequence[Request]) -> tuple[int, int] | None:
        """Map memory for code and arguments; return address and size, None if refused."""
        arguments = [each for _, many, _ in requests for each in many]
        data = sum(len(each) + 16 for each in arguments if isinstance(each, bytes | bytearray))
        size = CODE_SIZE + len(requests) * TABLE_ROW.size + data
        try:
            address = self.call(
                "mmap", 0, size, k.PROT_READ | k.PROT_WRITE | k.PROT_EXEC,
                k.MAP_PRIVATE | k.MAP_ANONYMOUS, -1, 0,
            )  # fmt: skip
        except KernelError:
            return None  # A filter or a security module denies executable memory.
        return address, size

    def _run_together(self, requests: Sequence[Request], region: tuple[int, int]) -> list[int]:
        """Make all calls in a loop in the process: one stop for all of them."""
        code, _ = region
        table = code + CODE_SIZE
        behind = table + len(requests) * TABLE_ROW.size
        layout = Layout(lambda: behind)
        lowered = [layout.lower(arguments) for _, arguments, _ in requests]
        rows = b"".join(
            TABLE_ROW.pack(self._architecture.number(name), *_six(each.words), UNMADE)
            for (name, *_), each in zip(requests, lowered, strict=True)
        )
        # Ends with a trap.  A program inside can send SIGTRAP at that very moment, then the
        # kernel drops its own, and the next trap counts.
        loop = self._architecture.loop.ljust(CODE_SIZE, self._architecture.loop[-1:])
        self.write_memory(code, loop + rows + layout.content)
        start = self._architecture.loop_registers(self._saved, code, table, len(requests))
        self._registers.copy_from(self._saved, start)
        self._registers.write(self.pid)
        self._await_trap(ptrace.resume)
        content = self.read_memory(table, len(rows))
        results: list[int] = []
        for (*_, result), each in zip(TABLE_ROW.iter_unpack(content), lowered, strict=True):
            if result == UNMADE:
                break
            results.append(result)
            self._copy_back(each)
        return results

    def _copy_back(self, call: Lowered) -> None:
        for address, buffer in call.buffers:
            buffer[:] = self.read_memory(address, len(buffer))

    @contextmanager
    def discarding(self, *numbers: signal.Signals) -> Iterator[None]:
        """Discard the signals that the calls of the block send to the process itself."""
        before = len(self._held_back)
        yield
        # The trap of a call is reported before a pending signal, so each call reports one.
        for _ in numbers:
            self.getpid()
        sent = self._held_back[before:]
        self._held_back[before:] = [each for each in sent if each not in numbers]

    @contextmanager
    def passed(self, fd: int) -> Iterator[int]:
        """Duplicate our descriptor into the process for the block."""
        ends = bytearray(8)
        self.call("socketpair", k.AF_UNIX, k.SOCK_DGRAM | k.SOCK_CLOEXEC, 0, ends)
        ours, theirs = struct.unpack("ii", ends)
        try:
            number = self._receive(fd, ours, theirs)
        except BaseException:
            self._close(ours, theirs)
            raise
        try:
            yield number
        finally:
            # A host descriptor that stays open in bash would be an escape.
            self._close(ours, theirs, number)

    def _close(self, *fds: int) -> None:
        first, last = min(fds), max(fds)
        if last - first < len(fds):
            try:
                self.close_range(first, last)
                return
            except KernelError:
                pass  # A filter denies close_range(2).
        for fd in fds:
            self.close(fd)

    def _receive(self, fd: int, ours: int, theirs: int) -> int:
        with pidfd(self.pid) as process:
            end = HERE.pidfd_getfd(process, ours)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0, end) as near:
            socket.send_fds(near, [b"."], [fd])
        base = self._scratch_memory()
        vector, byte, control = base + 64, base + 96, base + 128
        header = MESSAGE.pack(0, 0, vector, 1, control, ONE_DESCRIPTOR.size, 0)
        self.write_memory(base, header + bytes(8) + IO_VECTOR.pack(byte, 1))
        self.call("recvmsg", theirs, base, k.MSG_CMSG_CLOEXEC)
        _, _, _, number = ONE_DESCRIPTOR.unpack(self.read_memory(control, ONE_DESCRIPTOR.size))
        return int(number)

    # -- forking -------------------------------------------------------------------------

    @contextmanager
    def forked(self, flags: int = 0) -> Iterator[tuple[Tracee, int]]:
        """Fork the process for the block.

        After the block the copy goes on with the interrupted call of the original.
        """
        # Set only now: we must not trace the children that bash forks itself.
        ptrace.set_options(self.pid, FOLLOW_FORKS)
        inside = self.clone(flags)
        if self._born is None:
            raise ShellGone(f"the copy of process {self.pid} has ended")
        ptrace.wait_stop(self._born)
        copy = Tracee(self._born, self._saved, self._processors)
        copy._gadget, copy._scratch, copy._mapped = self._gadget, self._scratch, self._mapped
        copy._parent = parent = self._parent if flags & k.CLONE_PARENT else self
        try:
            yield copy, inside
            if not copy.kill_on_exit:
                copy.detach()
        except BaseException:
            copy.kill_on_exit = True
            raise
        finally:
            if copy.kill_on_exit:
                ptrace.kill(copy.pid)
                if parent is not None:
                    parent.reap(inside)
            copy.close_memory()

    @contextmanager
    def forked_by_way_of(self, apply: Callable[[Tracee], None]) -> Iterator[tuple[Tracee, int]]:
        """Fork twice for the block, and yield the second copy; the first one is killed then.

        ``apply`` changes the first copy, as by setns(2) for a PID namespace, which moves only
        its children.  The second copy inherits the change and, by CLONE_PARENT, is a child of
        the process.  The process itself stays as it is.
        """
        with self.forked() as (between, _):
            between.kill_on_exit = True
            apply(between)
            with between.forked(k.CLONE_PARENT) as born:
                yield born

    # -- the end -------------------------------------------------------------------------

    def detach(self) -> None:
        """Restore the process and detach from it; raise ShellGone if it has ended."""
        try:
            self._restore_and_detach()
        except ShellGone:
            ptrace.reap(self.pid)
            raise

    def close_memory(self) -> None:
        """Close our descriptor of the memory of the process."""
        os.close(self._memory)

    def _restore_and_detach(self) -> None:
        if self._mapped and self._scratch is not None:
            self.call("munmap", self._scratch, SCRATCH_SIZE)
        self._saved.write(self.pid)
        if self._architecture.forgets_interruption and self._is_at_instruction():
            # A signal must come to the process in its call, and fail it with EINTR.  Otherwise
            # the handler would run before the call, and the call would wait.
            self._await_trap(ptrace.resume_to_call)
        # We send signals before the detach, so that they come after the restart of the
        # interrupted call.  PTRACE_DETACH delivers a signal only from a signal-delivery stop,
        # and without a remote call this stop is not one: the signal would be lost.
        for each in self._held_back:
            os.kill(self.pid, each)
        if self.stop_on_exit:
            os.kill(self.pid, signal.SIGSTOP)
        if self._processors is not None:
            set_processors(self.pid, self._processors)
        ptrace.detach(self.pid)
        note(HERE, "ptrace", ("PTRACE_DETACH", str(self.pid)), 0)

    # -- internals -----------------------------------------------------------------------

    def _step_over(self, number: int, words: Sequence[int]) -> int:
        if self._gadget is None:
            self._gadget = self._find_gadget()
        registers = self._registers
        registers.copy_from(
            self._saved,
            self._architecture.call_registers(self._saved, self._gadget, number, words),
        )
        registers.write(self.pid)
        self._await_trap(ptrace.single_step)
        registers.read(self.pid)
        result = self._architecture.result(registers)
        if -result in RESTART_CODES:
            raise KernelError("remote syscall", -result, f"PID {self.pid}")
        return result

    def _await_trap(self, go_on: Callable[[int], None]) -> None:
        while True:
            go_on(self.pid)
            received, event = ptrace.wait_stop(self.pid)
            if event in FORK_EVENTS:
                self._born = ptrace.event_message(self.pid)
            elif (received, event) == (signal.SIGTRAP, 0) and ptrace.is_from_kernel(self.pid):
                return
            elif event != k.PTRACE_EVENT_STOP:
                # A real signal: we suppress it here and send it at the end.  An EVENT_STOP is
                # a group stop or an interrupt that is reported again before our instruction.
                self._held_back.append(received)

    def _is_at_instruction(self) -> bool:
        return self._holds_instruction(self._architecture.program_counter(self._saved))

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
        # The stop was in code of the program, not in a call: we search the executable pages.
        # The vdso is first, because every process has it and it is small.
        with open(f"/proc/{self.pid}/maps") as maps:
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
        """Return the address of memory for the arguments that are pointers."""
        if self._scratch is None:
            # The unused part of the stack: we need no call to allocate or free it.
            below = self._architecture.below_stack(self._saved) - SCRATCH_SIZE & ~15
            try:
                self.write_memory(below, bytes(8))
                self._scratch = below
            except OSError:  # These pages of the stack are not mapped yet.
                self._scratch = self._map_scratch()
                self._mapped = True
        return self._scratch

    def _map_scratch(self) -> int:
        return self.call(
            "mmap", 0, SCRATCH_SIZE, k.PROT_READ | k.PROT_WRITE,
            k.MAP_PRIVATE | k.MAP_ANONYMOUS, -1, 0,
        )  # fmt: skip


def _fit_a_loop(requests: Sequence[Request]) -> bool:
    """Tell whether a loop in the process can make the calls, and is faster.

    The arguments of the loop are fixed.  It ends at the first failure, without ``CLEANUP``.
    """
    return len(requests) >= MANY and not any(
        accepted or name in CLEANUP or any(isinstance(each, Returned) for each in arguments)
        for name, arguments, accepted in requests
    )


def _six(words: Sequence[int]) -> Iterator[int]:
    """Yield six signed words; missing words are 0."""
    for word in (*words, 0, 0, 0, 0, 0, 0)[:6]:
        yield (word + SIGN) % WORD - SIGN
