"""One bash of a container: the live one, or one that is parked outside a fence.

A one-way fence is put up by forking: the copy goes inside and lives on, the original is
parked, stopped, and waits until the fence is peeled.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from shellplay.errors import KernelError, Refused, ShellGone
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.here import HERE
from shellplay.kernel.poll import readable
from shellplay.kernel.seize import seized
from shellplay.kernel.tracee import Tracee
from shellplay.model import ShellIdentity
from shellplay.shell.bash_memory import BashMemory
from shellplay.shell.fork_plan import ForkPlan
from shellplay.shell.stillness import Stillness
from shellplay.shell.terminal import Terminal

# Where bash waits for a key: readline's select, or a plain read.
AT_PROMPT = ("pselect6", "select", "read")
PROMPT_PATIENCE_SECONDS = 1.0
ENDING_SECONDS = 10.0


class Shell:
    """One bash process, held by a pidfd so that its PID is never reused meanwhile."""

    def __init__(self, pid: int, *, inside_parent: int | None = None) -> None:
        self.pid = pid
        self.pidfd = HERE.pidfd_open(pid)
        # Its PID as the bash below sees it, which must reap it.
        self.inside_parent = inside_parent
        self.modes: list[object] | None = None
        self._identity: ShellIdentity | None = None
        # Of a copy: evidence that it has run nothing since its fork, None if it may have.
        self._stillness: Stillness | None = None
        self._untouched_when_parked = False

    @property
    def identity(self) -> ShellIdentity:
        """Its PIDs, which no process ever changes; raises ShellGone if it has ended."""
        if self._identity is None or not self.alive:
            self._identity = ShellIdentity(self.pid, self.status.pids)
        return self._identity

    def open_beside(self, other: Shell) -> tuple[str, ...]:
        """Name the descriptors that are open in it, and not in another bash."""
        own, there = {0, 1, 2, 255}, procfs.fds(other.pid)
        try:
            here = procfs.fds(self.pid)
        except PermissionError as error:
            # Nobody without privileges may look into a process that has ended.
            if self.alive:
                raise
            raise ShellGone(f"the bash {self.pid} has ended") from error
        return tuple(
            f"fd {n} ({to})" for n, to in here.items() if n not in own and there.get(n) != to
        )

    @property
    def status(self) -> procfs.Status:
        """Its status, re-read from the kernel; raises ShellGone if it has ended."""
        status = procfs.status(self.pid)
        if status is None:
            raise ShellGone(f"the bash {self.pid} has ended")
        return status

    @property
    def cwd(self) -> str:
        """Its working directory as seen from the host; raises ShellGone if it has ended."""
        try:
            return procfs.working_directory(self.pid)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ShellGone(f"the bash {self.pid} has ended") from error

    @property
    def alive(self) -> bool:
        """Whether it runs (or is stopped); a zombie does not.

        By the pidfd: its PID may belong to another process by now, and its first thread may
        have ended before the others.
        """
        return self.pidfd >= 0 and not readable(self.pidfd, 0)

    def has_sys_admin(self) -> bool:
        """Tell whether it holds CAP_SYS_ADMIN in its own user namespace."""
        return bool(self.status.effective >> k.CAP_SYS_ADMIN & 1)

    @property
    def untouched(self) -> bool:
        """Whether it is a copy that has run nothing since its fork; if parked, until it was.

        Then its state is the one of its original: the state that it was forked with.
        """
        if self._stillness is None:
            return self._untouched_when_parked
        return self._stillness.holds()

    @contextmanager
    def seized(self) -> Iterator[Tracee]:
        """Stop it for a while and let it make calls for us, see tracee.py."""
        with seized(self.pid) as tracee:
            before, self._stillness = self._stillness, None
            still = before is not None and before.held_until_stop()
            yield tracee
            if before is not None and still:
                self._stillness = before.again()

    @contextmanager
    def _seized_at_prompt(self) -> Iterator[Tracee]:
        # The prompt's mark comes a moment before bash waits for a key: give it that moment.
        deadline = time.monotonic() + PROMPT_PATIENCE_SECONDS
        while True:
            with self.seized() as tracee:
                if tracee.interrupted_call() in AT_PROMPT:
                    yield tracee
                    return
            if time.monotonic() > deadline:
                raise Refused("bash is not waiting at its prompt", "try again when it is")

    def _await_stopped(self) -> None:
        # Detached with SIGSTOP, it stops as soon as it is scheduled: what is shown as
        # parked has to be so.
        deadline = time.monotonic() + PROMPT_PATIENCE_SECONDS
        while self.status.state not in "Tt" and time.monotonic() < deadline:
            time.sleep(0.0001)

    def kill(self) -> None:
        """Kill it and wait until it is dead."""
        try:
            HERE.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except KernelError:
            # Already reaped: dead is what was wanted.
            return
        _await_end(self.pidfd)

    def await_end(self) -> None:
        """Wait until it is dead."""
        _await_end(self.pidfd)

    def close(self) -> None:
        """Let go of the pidfd."""
        os.close(self.pidfd)
        self.pidfd = -1

    def fork(self, terminal: Terminal, plan: ForkPlan) -> Shell:
        """Fork the idle bash and park it; ``plan`` puts the fence round the copy.

        Returns the copy, which is the live bash from now on.  Raises Refused if this
        bash is not idle at its prompt; then nothing was changed.
        """
        modes = terminal.modes()
        untouched = self.untouched
        with self._seized_at_prompt() as original:
            memory = BashMemory.of(original)
            with _forked(original, plan) as (copy, inside):
                plan.enter(copy)
                _stand_alone(copy, memory.copied_to(copy))
                stillness = Stillness(copy.pid, terminal)
            # Only now: from here on the copy reads the terminal and the original must not.
            original.stop_on_exit = True
        self.modes = modes
        self._stillness, self._untouched_when_parked = None, untouched
        forked = Shell(copy.pid, inside_parent=inside)
        forked._stillness = stillness
        self._await_stopped()
        return forked

    def wake(self, terminal: Terminal, ended: Shell) -> None:
        """Let a parked bash go on: ``ended``, its dead copy, is reaped before it can hear.

        It gets the terminal back, with the modes that it left it in.
        """
        self._untouched_when_parked = False
        with self.seized() as parked:
            if ended.inside_parent is not None:
                parked.reap(ended.inside_parent)
            BashMemory.of(parked).come_to_front()
        if self.modes is not None:
            terminal.set_modes(self.modes)
        HERE.pidfd_send_signal(self.pidfd, signal.SIGCONT)


def _forked(original: Tracee, plan: ForkPlan) -> AbstractContextManager[tuple[Tracee, int]]:
    """Fork a stopped bash for the ``with`` block."""
    if plan.by_way_of is None:
        return original.forked(plan.flags)
    return original.forked_by_way_of(plan.by_way_of)


def _stand_alone(copy: Tracee, memory: BashMemory) -> None:
    """Make a forked bash a job-control shell of its own, in front on its terminal."""
    status = procfs.status(copy.pid)
    if status is None:
        raise ShellGone(f"the copy {copy.pid} of the bash has ended")
    copy.setpgid(0, 0)
    memory.become(status.pids[-1])
    memory.come_to_front()


def _await_end(pidfd: int) -> None:
    # A frozen process, or one in an uninterruptible call, is dead only after that.
    readable(pidfd, ENDING_SECONDS)
