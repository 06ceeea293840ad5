"""One bash of a container: the live bash, or a parked bash outside a fence.

For a fence that a process cannot leave, bash forks.  The copy goes behind the fence and is
the live bash.  The original is parked (stopped) until the fence is peeled.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator, Set
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

from shellplay.errors import KernelError, Refused, ShellGone
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.here import HERE
from shellplay.kernel.poll import readable
from shellplay.kernel.seize import seized
from shellplay.kernel.tracee import Tracee
from shellplay.model import ShellIdentity
from shellplay.shell import controlling_terminal
from shellplay.shell.bash_memory import BashMemory
from shellplay.shell.devpts import replace_pty
from shellplay.shell.fork_plan import ForkPlan
from shellplay.shell.stillness import Stillness
from shellplay.shell.terminal import Terminal

# The calls in which bash waits for a key: select of readline, or read.
AT_PROMPT = ("pselect6", "select", "read")
PROMPT_PATIENCE_SECONDS = 1.0
ENDING_SECONDS = 10.0


class Shell:
    """One bash process, with a pidfd and a terminal; ``close`` closes both."""

    def __init__(
        self, pid: int, terminal: Terminal, *, inside_parent: int | None = None
    ) -> None:
        self.pid = pid
        self.pidfd = HERE.pidfd_open(pid)
        self.terminal = terminal
        # The PID of a copy in the PID namespace of its original, which must reap the copy.
        self.inside_parent = inside_parent
        # The children of a parked bash from before its fork.
        self._own_children: frozenset[int] = frozenset()
        # The orphans that a parked bash was seen to have.
        self._adopted: set[int] = set()
        # The modes of its terminal when it was parked: a program inside may change them.
        self._modes: list[object] = []
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

    @property
    def inside(self) -> tuple[int, ...]:
        """The PIDs of the bash, outermost first; none if it has ended."""
        try:
            return self.identity.inside
        except ShellGone:
            return ()

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
                self._stillness = before.again(self.terminal)

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

    def stop(self) -> None:
        """Stop the bash, unless it has ended; it forks no more."""
        with suppress(KernelError):
            HERE.pidfd_send_signal(self.pidfd, signal.SIGSTOP)

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
        """Close the pidfd and the terminal."""
        self.close_pidfd()
        self.terminal.close()

    def close_pidfd(self) -> None:
        """Close the pidfd alone: another object has the terminal."""
        os.close(self.pidfd)
        self.pidfd = -1

    def fork(self, plan: ForkPlan, *, own_devpts: bool) -> Shell:
        """Fork this idle bash for a fence, and park it; return the copy, the live bash.

        ``plan`` applies the fence to the copy.  The copy has a session and a terminal of its
        own: what is inside the fence cannot type into the terminal of this bash (TIOCSTI).
        With ``own_devpts`` that is one of the devpts that this bash sees.
        Raises Refused, and changes nothing, if this bash does not wait at its prompt.
        """
        untouched = self.untouched
        own_children = frozenset(procfs.children(self.pid))
        with ExitStack() as undo:
            with self._seized_at_prompt() as original:
                terminal = self.terminal.for_copy()
                undo.callback(terminal.close)
                if own_devpts:
                    replace_pty(original, terminal)
                memory = BashMemory.of(original)
                with _forked(original, plan) as (copy, inside):
                    variables = memory.copied_to(copy)
                    controlling_terminal.take(copy, terminal, variables, new_session=True)
                    plan.enter(copy)
                    _set_variables(copy, variables)
                    self.terminal.move_keys_to(terminal)
                    stillness = Stillness(copy.pid, terminal)
                # Orphans from inside the fence become its children: so we find them.
                original.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
                # Set only now: the fork has succeeded, and the original must not run any more.
                original.stop_on_exit = True
            forked = Shell(copy.pid, terminal, inside_parent=inside)
            undo.pop_all()
        self._stillness, self._untouched_when_parked = None, untouched
        self._own_children, forked._stillness = own_children, stillness
        self._adopted.clear()
        self._modes = self.terminal.modes()
        # What is inside may read the nonce in the memory of the copy.
        self.terminal.renew_nonce()
        self._await_stopped()
        return forked

    def change_terminal(self, *, own_devpts: bool) -> None:
        """Move this idle bash, which has no jobs, to another terminal.

        With ``own_devpts`` that is one of the devpts that it sees.  Raises Refused if it does
        not wait at its prompt.
        """
        before = self.terminal
        with ExitStack() as undo:
            with self._seized_at_prompt() as bash:
                terminal = before.for_copy()
                undo.callback(terminal.close)
                if own_devpts and replace_pty(bash, terminal) is None:
                    return
                memory = BashMemory.of(bash)
                # The kernel hangs the foreground group up, and that is this bash.
                with bash.discarding(signal.SIGHUP, signal.SIGCONT):
                    bash.call(
                        "ioctl", memory.terminal, k.TIOCNOTTY, 0, subject="TIOCNOTTY",
                        accepted=(errno.ENOTTY,),
                    )  # fmt: skip
                controlling_terminal.take(bash, terminal, memory)
                before.move_keys_to(terminal)
                self.terminal = terminal
            undo.pop_all()
        before.close()

    @contextmanager
    def copied(self) -> Iterator[Shell]:
        """Fork this idle bash for the block, behind the same fences; both go on.

        The copy has a session and a terminal of its own.  It is killed at the end, and this
        bash does not notice it.  Raises Refused if this bash does not wait at its prompt.
        """
        with ExitStack() as held:
            with self._seized_at_prompt() as original:
                terminal = self.terminal.for_copy(alone=True)
                held.callback(terminal.close)
                memory = BashMemory.of(original)
                with original.forked() as (copied, inside):
                    variables = memory.copied_to(copied)
                    copied.setsid()
                    copied.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
                    controlling_terminal.take(copied, terminal, variables)
                    _set_variables(copied, variables)
                copy = Shell(copied.pid, terminal, inside_parent=inside)
            held.callback(copy.close_pidfd)
            held.callback(self._end_copy, copy)
            yield copy

    def _end_copy(self, copy: Shell) -> None:
        assert copy.inside_parent is not None
        # This bash is stopped before the end of its copy, so it cannot reap the copy itself.
        with self.seized() as original:
            copy.kill()
            _reap(original, copy.inside_parent)

    def adopted(self, copies: Set[int]) -> list[int]:
        """Return the children of this parked bash that are orphans from inside its fence.

        ``copies`` are the PIDs of copies.  The jobs of this bash and the orphans of these are
        in its session, which no process joins.
        """
        found = {*procfs.children(self.pid)} - self._own_children - copies
        # Thousands may have ended; this bash is stopped, and reads no exit status.
        self._adopted &= found
        stats = [procfs.stat(pid) for pid in found - self._adopted]
        self._adopted.update(each.pid for each in stats if each and each.session != self.pid)
        return sorted(self._adopted)

    def reap(self, ended: Shell) -> bool:
        """Reap a copy of this parked bash that has ended, as this bash is stopped.

        Returns False if this bash has ended, too: the monitor reaps the copy then.
        """
        try:
            with self.seized() as parked:
                if ended.inside_parent is not None:
                    _reap(parked, ended.inside_parent)
                    ended.inside_parent = None
            self._await_stopped()
        except ShellGone:
            return False
        return True

    def wake(self, ended: Shell) -> None:
        """Continue this parked bash after the end of ``ended``, its copy.

        The copy is reaped before bash runs, so bash does not notice it.  No key that was typed
        meanwhile is for this bash.
        """
        self._untouched_when_parked = False
        with self.seized() as parked:
            if ended.inside_parent is not None:
                _reap(parked, ended.inside_parent)
            if self.inside_parent is None:
                parked.prctl(k.PR_SET_CHILD_SUBREAPER, 0)
            memory = BashMemory.of(parked)
            controlling_terminal.retake(parked, memory)
            controlling_terminal.reopen(parked, memory.terminal)
        self.terminal.discard_unread_keys()
        self.terminal.set_modes(self._modes)
        size = (ended.terminal.columns, ended.terminal.rows)
        if size != (self.terminal.columns, self.terminal.rows):
            self.terminal.resize(*size)
        HERE.pidfd_send_signal(self.pidfd, signal.SIGCONT)


def _reap(parked: Tracee, copy: int) -> None:
    """Have a parked bash reap its copy, which has ended."""
    try:
        parked.reap(copy)
    except KernelError as error:
        # A program inside that sees the parked bash may have continued it (SIGCONT).  Then it
        # has reaped the copy itself.
        if error.errno != errno.ECHILD:
            raise


def _forked(original: Tracee, plan: ForkPlan) -> AbstractContextManager[tuple[Tracee, int]]:
    """Fork a stopped bash for the ``with`` block."""
    if plan.by_way_of is None:
        return original.forked(plan.flags)
    return original.forked_by_way_of(plan.by_way_of)


def _set_variables(copy: Tracee, memory: BashMemory) -> None:
    """Tell a forked bash its PID, which is also that of its process group."""
    status = procfs.status(copy.pid)
    if status is None:
        raise ShellGone(f"the copy {copy.pid} of the bash has ended")
    memory.set_pid(status.pids[-1])
    if status.seccomp:
        # It is in the foreground already.  A bash that is denied this call, or killed for it,
        # could not live behind the fence.
        memory.take_foreground()


def _await_end(pidfd: int) -> None:
    # A frozen process dies only after the thaw, and a process in an uninterruptible call only
    # after the call.
    readable(pidfd, ENDING_SECONDS)
