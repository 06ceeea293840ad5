"""The errors of shellplay: one small tree, formatted once at the prompt.

Each error is one sentence that names the cause, and, where there is one, a fix: the
command or setting that would work.  Nothing here prints.
"""

import errno as errno_names
import os


class ShellplayError(Exception):
    """Something that was asked for did not happen; nothing was changed."""

    exit_status = 1

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} ({self.fix})" if self.fix else self.message


class UsageError(ShellplayError):
    """The words of a command do not fit its form."""

    exit_status = 2


class Refused(ShellplayError):
    """The command is well formed, but the state, a policy or the kernel forbids it."""


class ShellGone(ShellplayError):
    """The live bash has ended."""


class TimedOut(ShellplayError):
    """What was waited for did not happen in time."""

    exit_status = 124


class KernelError(ShellplayError):
    """A system call failed: it carries the call, the errno and what it was about.

    ``call`` is the man-page name, ``errno`` the positive error number, ``subject`` what
    the call was made for (a path, a PID, a namespace).
    """

    def __init__(
        self, call: str, errno: int, subject: str = "", fix: str | None = None
    ) -> None:
        self.call = call
        self.errno = errno
        self.subject = subject
        name = errno_names.errorcode.get(errno, str(errno))
        about = f" ({subject})" if subject else ""
        super().__init__(f"{call}{about}: {name}, {os.strerror(errno)}", fix)
