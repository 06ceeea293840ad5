"""Trace a process and all that it starts: every system call, at its entry and its exit.

As strace(1) does, but in a thread of this process.  The kernel gives the stops of a tracee to
the thread that seized it, and ``WNOTHREAD`` keeps the wait to those: the children of other
threads are theirs to reap.
"""

from __future__ import annotations

import os
import signal
import threading
from abc import ABC, abstractmethod
from contextlib import suppress

from shellplay.errors import KernelError, ShellGone, TimedOut
from shellplay.kernel import constants as k
from shellplay.kernel import ptrace

OPTIONS = (
    k.PTRACE_O_TRACESYSGOOD
    | k.PTRACE_O_TRACEFORK
    | k.PTRACE_O_TRACEVFORK
    | k.PTRACE_O_TRACECLONE
    | k.PTRACE_O_TRACEEXEC
    | k.PTRACE_O_EXITKILL
)
FORK_EVENTS = (k.PTRACE_EVENT_FORK, k.PTRACE_EVENT_VFORK, k.PTRACE_EVENT_CLONE)
# linux/audit.h.  A call of x32 has this bit in its number.
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT, CLONE3 = 0x40000000, 435
# A process that the kernel cannot end, as one that waits for a file system, is left to it.
PATIENCE_SECONDS = 10.0
SYSCALL_STOP = signal.SIGTRAP | 0x80
GROUP_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class Entered:
    """A call that a tracee is about to make: number and six arguments.

    A ``foreign`` call is one of another architecture, as 32-bit programs make: its number
    stands for another call.
    """

    def __init__(
        self, pid: int, number: int, arguments: tuple[int, ...], *, foreign: bool = False
    ) -> None:
        self.pid = pid
        self.number = number
        self.arguments = arguments
        self.foreign = foreign

    def memory(self, address: int, size: int) -> bytes:
        """Read memory of the process; shorter, or empty, where it has none."""
        try:
            fd = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            return os.pread(fd, size, address)
        except (OSError, OverflowError):
            return b""
        finally:
            os.close(fd)

    def string(self, address: int, most: int = 4096) -> bytes:
        """Read a string up to its NUL, at most ``most`` bytes; it may end a page before."""
        content = b""
        while address and len(content) < most and b"\0" not in content:
            # Up to the end of a page: the next one may not be mapped.
            piece = self.memory(address + len(content), 256 - (address + len(content)) % 256)
            if not piece:
                break
            content += piece
        return content.partition(b"\0")[0][:most]


class CallWatcher(ABC):
    """Is told of every call; the process waits meanwhile.

    ``traced`` are the PIDs of all threads and processes that are traced.
    """

    def __init__(self) -> None:
        self.traced: set[int] = set()

    @abstractmethod
    def enters(self, call: Entered) -> bool:
        """Tell whether a call may be made; if not, the whole tree is killed before it."""

    @abstractmethod
    def leaves(self, call: Entered, result: int) -> None:
        """Take note of the result of a call; -4095..-1 is a negative errno."""

    @abstractmethod
    def ends(self, pid: int, last: Entered | None, number: int) -> None:
        """Take note that signal ``number`` has killed a process in its ``last`` call."""


class CallTracer:
    """Traces a process from the start of the ``with`` block, and kills the tree at its end."""

    def __init__(self, pid: int, watcher: CallWatcher) -> None:
        self._pid = pid
        self._watcher = watcher
        self._calls: dict[int, Entered] = {}
        self._traced = watcher.traced
        self._seized = threading.Event()
        self._native = ARCHITECTURES.get(os.uname().machine)
        self._error: Exception | None = None
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="call-tracer", daemon=True)

    def __enter__(self) -> CallTracer:
        self._thread.start()
        self._seized.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.kill()
        self._thread.join(PATIENCE_SECONDS)
        if kind is not None:
            return
        if self._error is not None:
            raise self._error
        if self._thread.is_alive():
            raise TimedOut(f"a process did not end for {PATIENCE_SECONDS:g} seconds")

    def kill(self) -> None:
        """Kill the tree: the thread kills also what is forked meanwhile."""
        self._ending = True
        for pid in list(self._traced):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # -- the thread ----------------------------------------------------------------------

    def _run(self) -> None:
        # A signal for this process is for the main thread, which handles it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            ptrace.seize(self._pid, OPTIONS)
            ptrace.interrupt(self._pid)
            self._traced.add(self._pid)
        except (KernelError, ShellGone) as error:
            self._error = error
            return
        finally:
            self._seized.set()
        while True:
            try:
                pid, status = os.waitpid(-1, k.WALL | k.WNOTHREAD)
            except ChildProcessError:
                break
            self._traced.add(pid)
            try:
                # It may be killed at any moment: then the next wait says so.
                with suppress(ShellGone):
                    self._handle(pid, status)
            except Exception as error:
                self._error = error
                self.kill()

    def _handle(self, pid: int, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self._traced.discard(pid)
            last = self._calls.pop(pid, None)
            if os.WIFSIGNALED(status) and not self._ending:
                self._watcher.ends(pid, last, os.WTERMSIG(status))
            return
        if self._ending:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return
        number, event = os.WSTOPSIG(status), status >> 16
        if number == SYSCALL_STOP:
            self._handle_call(pid)
        elif event == k.PTRACE_EVENT_STOP and number in GROUP_STOPS:
            ptrace.listen(pid)
        else:
            if event in FORK_EVENTS:
                self._traced.add(ptrace.event_message(pid))
            elif event == k.PTRACE_EVENT_EXEC and (thread := ptrace.event_message(pid)) != pid:
                # A thread has become the process.  Its old number may soon be of another one.
                self._traced.discard(thread)
                self._calls.pop(thread, None)
            ptrace.resume_to_call(pid, 0 if event else number)

    def _handle_call(self, pid: int) -> None:
        kind, architecture, numbers = ptrace.syscall_info(pid)
        if kind == k.PTRACE_SYSCALL_INFO_ENTRY:
            foreign = architecture != self._native or bool(numbers[0] & X32_BIT)
            call = Entered(pid, numbers[0], numbers[1:], foreign=foreign)
            self._calls[pid] = call
            if not self._watcher.enters(call):
                self.kill()
                return
            if call.number == CLONE3:
                # Its flags are in memory: another thread can change them after our look, and
                # start a process that is not traced.  Programs then use clone(2).
                del self._calls[pid]
                ptrace.skip_call(pid)
        elif kind == k.PTRACE_SYSCALL_INFO_EXIT and (made := self._calls.get(pid)):
            self._watcher.leaves(made, numbers[0])
        ptrace.resume_to_call(pid)
