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


class RecipeError(UsageError):
    """A recipe does not fit the form of recipes: where, and what was expected there.

    ``line`` and ``column`` are counted from 1; ``path`` is empty if it is not known.
    """

    def __init__(
        self, message: str, line: int, column: int = 1, path: str = "", fix: str | None = None
    ) -> None:
        super().__init__(message, fix)
        self.line = line
        self.column = column
        self.path = path

    def __str__(self) -> str:
        where = f"{self.path or 'recipe'}:{self.line}:{self.column}"
        return f"{where}: {super().__str__()}"


class Refused(ShellplayError):
    """The command is well formed, but the state, a policy or the kernel forbids it."""


class ShellGone(ShellplayError):
    """The live bash has ended."""


class TimedOut(ShellplayError):
    """What was waited for did not happen in time."""

    exit_status = 124


class Bug(ShellplayError):
    """An exception that is a mistake in shellplay, as one sentence that helps to find it."""

    exit_status = 70  # EX_SOFTWARE of sysexits.h

    def __init__(self, error: Exception) -> None:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        file = place.tb_frame.f_code.co_filename.rpartition("/")[2] if place else "?"
        line = place.tb_lineno if place else 0
        super().__init__(
            f"a mistake in shellplay: {type(error).__name__}, {error}, at {file}:{line}",
            "please report it; SHELLPLAY_DEBUG=1 shows the whole trace",
        )


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
