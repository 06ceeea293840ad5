"""The errors of shellplay: one small tree of exceptions; the printer formats them.

The message is one sentence that names the cause.  The fix, if there is one, is a command or a
setting that works.
"""

import errno as errno_names
import os


class ShellplayError(Exception):
    """A command failed, and has changed nothing."""

    exit_status = 1

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} ({self.fix})" if self.fix else self.message


class UsageError(ShellplayError):
    """The words of a command do not match its synopsis."""

    exit_status = 2


class RecipeError(UsageError):
    """A recipe has a syntax error.

    ``line`` and ``column`` count from 1; ``path`` is empty if it is not known.
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
    """The state of the container, a policy or the kernel forbids the command."""


class Incomplete(Refused):
    """Bash needs more lines to make a command of what was typed."""


class Unterminated(UsageError):
    """A quote is not closed, or a backslash has nothing behind it."""


class Shortage(ShellplayError):
    """Something is used up that a call needs: files, processes, memory or disk."""


class ShellGone(ShellplayError):
    """The live bash has ended."""


class TimedOut(ShellplayError):
    """An expected event did not happen in time."""

    exit_status = 124


class Bug(ShellplayError):
    """An unexpected exception: a bug in shellplay, as one sentence with its file and line."""

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
    """A system call failed.

    ``call`` is its name in section 2 of the manual, ``errno`` the positive error number, and
    ``subject`` the object of the call: a path, a PID or a namespace.
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


class OutputLost(Exception):
    """The standard output cannot be written any more, so the program ends.

    ``is_unread`` is true if its reader has gone.  It is not a ShellplayError: no front end can
    print it and go on.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the standard output cannot be written: {error.strerror}")
        self.is_unread = error.errno == errno_names.EPIPE
