"""One bash of a container: the live bash, or a parked bash outside a fence.

For a fence that a process cannot leave, bash forks.  The copy goes behind the fence and is
the live bash.  The original is parked (stopped) until the fence is peeled.
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

# The calls in which bash waits for a key: select of readline, or read.
AT_PROMPT = ("pselect6", "select", "read")
PROMPT_PATIENCE_SECONDS = 1.0
ENDING_SECONDS = 10.0


class Shell:
    """One bash process, with a pidfd; ``close`` closes the pidfd."""

    def __init__(self, pid: int, *, inside_parent: int | None = None) -> None:
        self.pid = pid
        self.pidfd = HERE.pidfd_open(pid)
        # The PID of a copy in the PID namespace of its original, which must reap the copy.
        self.inside_parent = inside_parent
        self.modes: list[object] | None = None
        self._identity: ShellIdentity | None = None
        # For a copy: evidence that it has run nothing since its fork; None without evidence.
        self._stillness: Stillness | None = None
        self._untouched_when_parked = False

    @property
    def identity(self) -> ShellIdentity:
        """The PIDs of the bash, which never change; raises ShellGone if it has ended."""
        if self._identity is None or not self.alive:
            self._identity = ShellIdentity(self.pid, self.status.pids)
        return self._identity

    def descriptors_not_in(self, other: Shell) -> tuple[str, ...]:
        """Return the descriptors that are open in this bash and not in ``other``, as text.

        Raises ShellGone if this bash has ended.
        """
        own, there = {0, 1, 2, 255}, procfs.fds(other.pid)
        try:
            here = procfs.fds(self.pid)
        except PermissionError as error:
            # The kernel refuses an ordinary user the descriptors of a zombie.
            if self.alive:
                raise
            raise ShellGone(f"the bash {self.pid} has ended") from error
        return tuple(
            f"fd {n} ({to})" for n, to in here.items() if n not in own and there.get(n) != to
        )

    @property
    def status(self) -> procfs.Status:
        """The status of the bash, read anew; raises ShellGone if it has ended."""
        status = procfs.status(self.pid)
        if status is None:
            raise ShellGone(f"the bash {self.pid} has ended")
        return status

    @property
    def cwd(self) -> str:
        """The working directory, as the host's /proc shows it; raises ShellGone if it ended."""
        try:
            return procfs.working_directory(self.pid)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ShellGone(f"the bash {self.pid} has ended") from error

    @property
    def alive(self) -> bool:
        """Whether the bash has not ended; a zombie has ended, a stopped bash has not.

        The pidfd tells it.  The PID may be reused, and the first thread of a process may end
        before its other threads.
        """
        return self.pidfd >= 0 and not readable(self.pidfd, 0)

    def has_sys_admin(self) -> bool:
        """Tell whether the bash has CAP_SYS_ADMIN in its user namespace."""
        return bool(self.status.effective >> k.CAP_SYS_ADMIN & 1)

    @property
    def untouched(self) -> bool:
        """Whether this copy of a bash has run nothing since its fork.

        Its state is then the state of its original.  For a parked bash the value is from the
        moment when it was parked.
        """
        if self._stillness is None:
            return self._untouched_when_parked
        return self._stillness.holds()

    @contextmanager
    def seized(self) -> Iterator[Tracee]:
        """Stop the bash for the block and yield its ``Tracee``.

        Raises KernelError if ptrace(2) is refused, ShellGone if the bash has ended.
        """
        with seized(self.pid) as tracee:
            before, self._stillness = self._stillness, None
            still = before is not None and before.held_until_stop()
            yield tracee
            if before is not None and still:
                self._stillness = before.again()

    @contextmanager
    def _seized_at_prompt(self) -> Iterator[Tracee]:
        # Bash prints the mark of its prompt a moment before it waits for a key.  So we try
        # again for a second.
        deadline = time.monotonic() + PROMPT_PATIENCE_SECONDS
        while True:
            with self.seized() as tracee:
                if tracee.interrupted_call() in AT_PROMPT:
                    yield tracee
                    return
            if time.monotonic() > deadline:
                raise Refused("bash is not waiting at its prompt", "try again when it is")

    def _await_stopped(self) -> None:
        # After the detach the bash stops when the kernel schedules it.  We wait, because a
        # parked bash must be stopped.
        deadline = time.monotonic() + PROMPT_PATIENCE_SECONDS
        while self.status.state not in "Tt" and time.monotonic() < deadline:
            time.sleep(0.0001)

    def kill(self) -> None:
        """Kill the bash and wait until it is dead, at most ten seconds."""
        try:
            HERE.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except KernelError:
            # The bash is dead and reaped already.
            return
        _await_end(self.pidfd)

    def await_end(self) -> None:
        """Wait until the bash is dead, at most ten seconds."""
        _await_end(self.pidfd)

    def close(self) -> None:
        """Close the pidfd."""
        os.close(self.pidfd)
        self.pidfd = -1

    def fork(self, terminal: Terminal, plan: ForkPlan) -> Shell:
        """Fork this idle bash for a fence, and park it; return the copy, the live bash.

        ``plan`` applies the fence to the copy.  Raises Refused, and changes nothing, if this
        bash does not wait at its prompt.
        """
        modes = terminal.modes()
        untouched = self.untouched
        with self._seized_at_prompt() as original:
            memory = BashMemory.of(original)
            with _forked(original, plan) as (copy, inside):
                plan.enter(copy)
                _make_group_leader(copy, memory.copied_to(copy))
                stillness = Stillness(copy.pid, terminal)
            # Set only now: the fork has succeeded, and the original must not read the terminal
            # any more.
            original.stop_on_exit = True
        self.modes = modes
        self._stillness, self._untouched_when_parked = None, untouched
        forked = Shell(copy.pid, inside_parent=inside)
        forked._stillness = stillness
        self._await_stopped()
        return forked

    def wake(self, terminal: Terminal, ended: Shell) -> None:
        """Continue this parked bash after the end of ``ended``, its copy.

        The copy is reaped before bash runs, so bash does not notice it.  This bash gets the
        terminal back, with the modes from before it was parked.
        """
        self._untouched_when_parked = False
        with self.seized() as parked:
            if ended.inside_parent is not None:
                parked.reap(ended.inside_parent)
            BashMemory.of(parked).take_foreground()
        if self.modes is not None:
            terminal.set_modes(self.modes)
        HERE.pidfd_send_signal(self.pidfd, signal.SIGCONT)


def _forked(original: Tracee, plan: ForkPlan) -> AbstractContextManager[tuple[Tracee, int]]:
    """Fork a stopped bash for the ``with`` block."""
    if plan.by_way_of is None:
        return original.forked(plan.flags)
    return original.forked_by_way_of(plan.by_way_of)


def _make_group_leader(copy: Tracee, memory: BashMemory) -> None:
    """Make a forked bash the leader of its process group, in the foreground."""
    status = procfs.status(copy.pid)
    if status is None:
        raise ShellGone(f"the copy {copy.pid} of the bash has ended")
    copy.setpgid(0, 0)
    memory.set_pid(status.pids[-1])
    memory.take_foreground()


def _await_end(pidfd: int) -> None:
    # A frozen process dies only after the thaw, and a process in an uninterruptible call only
    # after the call.
    readable(pidfd, ENDING_SECONDS)
