"""Say what is used up if a call fails, and make one sentence of any exception.

A limit is named with its value and with the command that raises it.
"""

from __future__ import annotations

import errno
import os

from shellplay.errors import Bug, KernelError, OutputLost, ShellplayError, Shortage

# Calls that make a process or a thread; for others EAGAIN means that nothing is there yet.
FORKS = ("clone", "clone3", "fork", "vfork")
ENOUGH_FILES = 1024
# A cgroup with fewer free places than this may have had none when a fork failed.
NEARLY = 8
# What threading and _thread raise if clone(2) fails; they do not pass the errno on.
NO_THREAD = "can't start new thread"


def user_error(error: Exception) -> ShellplayError:
    """Return an exception as an error for the user: a cause, and a fix if there is one."""
    match error:
        case KernelError(fix=None):
            found = shortage(error.errno, error.call)
            return Shortage(f"{found[0]} ({error.message})", found[1]) if found else error
        case ShellplayError():
            return error
        case OutputLost():
            return ShellplayError(str(error))
        case OSError(errno=int(number)):
            found = shortage(number, "", _named(error.filename))
            if found:
                return Shortage(*found)
            subject = f" ({_named(error.filename)})" if error.filename else ""
            return ShellplayError(f"{os.strerror(number)}{subject}")
        case OSError():
            return ShellplayError(str(error))
        case ModuleNotFoundError():
            return ShellplayError(
                f"a module cannot be loaded: {error}", "install shellplay again"
            )
        case ImportError(path=str(path)) if path.endswith(".so"):
            # dlopen(3) has failed; it tells the errno in words only.
            return ShellplayError(f"a module of Python cannot be loaded: {error}")
        case MemoryError():
            return Shortage(*_memory())
        case RuntimeError() if str(error) == NO_THREAD:
            return Shortage(*_processes())
        case _:
            return Bug(error)


def shortage(number: int, call: str = "", subject: str = "") -> tuple[str, str] | None:
    """Return cause and fix if an errno says that something is used up, else None.

    ``call`` is the name of the system call if it is known, ``subject`` its path.
    """
    match number:
        case errno.EMFILE:
            return _files_of_process()
        case errno.ENFILE:
            return _files_of_machine()
        case errno.EAGAIN if not call or call in FORKS:
            return _processes()
        case errno.ENOMEM:
            return _memory()
        case errno.ENOSPC | errno.EDQUOT:
            full = "the disk quota is used up" if number == errno.EDQUOT else "the disk is full"
            return f"{full}{_at(subject)}", "free some space, or take another directory"
        case errno.EFBIG:
            return (
                f"a file may not be larger{_at(subject)} (ulimit -f)",
                "start shellplay after: ulimit -f unlimited",
            )
        case errno.EROFS:
            return f"the file system is read-only{_at(subject)}", "take another directory"
    return None


def _named(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""


def _at(subject: str) -> str:
    return f": {subject}" if subject else ""


def _files_of_process() -> tuple[str, str]:
    from resource import RLIMIT_NOFILE, getrlimit

    soft, _ = getrlimit(RLIMIT_NOFILE)
    return (
        f"ulimit -n is {soft}, so shellplay can open no more files",
        f"start shellplay after: ulimit -n {max(ENOUGH_FILES, 2 * soft)}",
    )


def _files_of_machine() -> tuple[str, str]:
    limit = _number("/proc/sys/fs/file-max")
    return f"fs.file-max is {limit}, so no more files can be opened", "end some programs"


def _memory() -> tuple[str, str]:
    return "there is not enough memory", "end some programs, or raise the limit of the cgroup"


def _processes() -> tuple[str, str]:
    """Name the limit that a fork has reached, see fork(2)."""
    for directory in _own_cgroups():
        limit = _number(f"{directory}/pids.max")
        if limit and limit - (_number(f"{directory}/pids.current") or 0) < NEARLY:
            return (
                f"{directory}/pids.max is {limit}, so no more processes can start",
                "end some of them, or raise that limit",
            )
    from resource import RLIM_INFINITY, RLIMIT_NPROC, getrlimit

    soft, _ = getrlimit(RLIMIT_NPROC)
    if soft != RLIM_INFINITY and os.getuid():
        return (
            f"ulimit -u is {soft}, so this user can start no more processes",
            "end some of them, or raise that limit",
        )
    return (
        "this machine can start no more processes (kernel.pid_max, kernel.threads-max)",
        "end some of them",
    )


def _own_cgroups() -> list[str]:
    """Return the cgroups that count this process, the innermost one first."""
    from shellplay.kernel.cgroup.hierarchies import having

    try:
        hierarchy = having("pids")
        own = hierarchy.of("self") if hierarchy else None
    except OSError:
        return []
    return list(hierarchy.upwards(own)) if hierarchy and own else []


def _number(path: str) -> int | None:
    """Return the number in a file; None if it cannot be read, or holds ``max``."""
    try:
        with open(path, "rb", buffering=0) as file:
            text = file.read()
    except OSError:
        # To name a limit is a service: the error itself is told without the number, too.
        return None
    return int(text) if text and text.strip().isdigit() else None
