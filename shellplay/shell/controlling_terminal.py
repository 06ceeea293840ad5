"""The controlling terminal of a stopped bash: give it one, or give it back."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.tracee import Tracee
from shellplay.shell.bash_memory import BashMemory
from shellplay.shell.terminal import Terminal

# The usual line discipline of linux/tty.h, as an int.
N_TTY = bytes(4)
# Bash leaves the descriptors below to the user.
LOWEST = 10


def take(
    copy: Tracee, terminal: Terminal, memory: BashMemory, *, new_session: bool = False
) -> None:
    """Give a bash that leads a session without a terminal one of its own.

    With ``new_session`` a forked bash leads one, and inherits its orphans, from then on.
    """
    number = memory.terminal
    others = _descriptors_like(copy.pid, number)
    with terminal.slave() as slave, copy.passed(slave) as passed:
        try:
            # One stop is enough for many calls together.
            with copy.together():
                if new_session:
                    copy.setsid()
                    # It reaps its orphans: the original is stopped.
                    copy.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
                copy.take_terminal(passed)
                for each in others:
                    copy.dup3(passed, each)
                copy.dup3(passed, number, os.O_CLOEXEC)
        except KernelError as error:
            if (error.call, error.errno) != ("dup3", errno.EBADF):
                raise
            # The number is above the limit of open files, which bash has got since.
            memory.set_terminal(copy.duplicate(passed, LOWEST))
            copy.close(number)
            for each in others:
                copy.close(each)
                with suppress(KernelError):  # It is above the limit, too.
                    copy.dup3(passed, each)


def _descriptors_like(pid: int, number: int) -> list[int]:
    """Return the other descriptors of a process that lead to the same terminal as one."""
    # No stat(2): a file of FUSE may not answer.
    found = procfs.fds(pid)
    ours = (found.pop(number), "/dev/tty")
    return [each for each, to in found.items() if to in ours]


def retake(parked: Tracee, memory: BashMemory) -> None:
    """Make a terminal that of a parked bash again, with the bash in the foreground."""
    try:
        memory.take_foreground()
    except KernelError as error:
        # A program inside with CAP_SYS_ADMIN has stolen it for its session, TIOCSCTTY(2const).
        if error.errno != errno.ENOTTY:
            raise
        parked.take_terminal(memory.terminal)
        memory.take_foreground()


def reopen(parked: Tracee, terminal: int) -> None:
    """Make a terminal usable again that a program inside, of the same user, may have closed."""
    with parked.together():
        parked.call("ioctl", terminal, k.TIOCNXCL, 0, subject="TIOCNXCL")
        parked.call("ioctl", terminal, k.TIOCSETD, N_TTY, subject="TIOCSETD")
