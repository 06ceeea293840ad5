"""A caller: a process that makes system calls for us, each a method with its man-page name.

A fence is written once and works with all three callers.  ``Here`` is this process.
``Tracee`` is a stopped process, by ptrace(2).  ``Stub`` is a process that makes the calls it
is sent, and then becomes a program.

Only this module turns a failed call into an error, and records calls for ``trace``.
"""

from __future__ import annotations

import os
import struct
from abc import ABC, abstractmethod
from contextlib import contextmanager

from shellplay.errors import KernelError
from shellplay.kernel import call_log
from shellplay.kernel import constants as k
from shellplay.kernel.call_log import note
from shellplay.kernel.filter_program import INSTRUCTION_SIZE, Program
from shellplay.kernel.flag_names import PRCTL_NAMES, clone_flags, mount_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager


class Returned(int):
    """The future result of a call in a ``together`` block: the index of this call."""

    def __str__(self) -> str:
        return f"of call {int(self) + 1}"


# An integer is passed in a register.  Bytes are copied to the memory of the caller, with a
# NUL behind them.  A bytearray is copied there too, and copied back after the call.
Argument = int | bytes | bytearray | Program | None
# Made even after a failure: a live bash must not keep a descriptor or the umask of a block.
CLEANUP = ("close", "umask")
# The name of a call, its arguments, and the errnos that are not a failure.
Request = tuple[str, tuple[Argument, ...], tuple[int, ...]]


class Planned:
    """A call that is not made yet; the fields are the parameters of ``Caller.call``."""

    def __init__(
        self,
        name: str,
        arguments: tuple[Argument, ...],
        subject: str,
        shown: Sequence[str] | None,
        same_as: str | None,
        accepted: tuple[int, ...],
    ) -> None:
        self.name = name
        self.arguments = arguments
        self.accepted = accepted
        self.subject = subject
        self.shown = shown
        self.same_as = same_as


class Caller(ABC):
    """A process that makes system calls for us; descriptors are numbers in this process."""

    pid: int
    remote: bool
    _planned: list[Planned] | None = None

    @abstractmethod
    def syscall(self, name: str, *arguments: Argument) -> int:
        """Make one call and return its raw result; -4095..-1 is a negative errno."""

    @abstractmethod
    def passed(self, fd: int) -> AbstractContextManager[int]:
        """Duplicate our descriptor ``fd`` into the process for the ``with`` block.

        Yields the number of the duplicate.
        """

    @abstractmethod
    def forked(self, flags: int = 0) -> AbstractContextManager[tuple[Caller, int]]:
        """Fork the process for the ``with`` block; ``flags`` are CLONE_NEW* of the copy.

        Yields the copy, and its PID in the PID namespace of the original.  If the block
        raises, the copy is ended: a bash behind half of its fences never runs.
        """

    def call(
        self,
        name: str,
        *arguments: Argument,
        subject: str = "",
        shown: Sequence[str] | None = None,
        same_as: str | None = None,
        accepted: tuple[int, ...] = (),
    ) -> int:
        """Make one call, record it, and return its result; raise KernelError if it failed.

        ``subject`` is the object of the call, for the error.  For ``trace``, ``shown`` are
        the arguments as text, and ``same_as`` is the shell command that does the same.  An
        errno in ``accepted`` is not a failure: the method returns it as a negative number.
        """
        planned = Planned(name, arguments, subject, shown, same_as, accepted)
        if self._planned is not None:
            self._planned.append(planned)
            return Returned(len(self._planned) - 1)
        return self._record(planned, arguments, self.syscall(name, *arguments))

    def _record(self, call: Planned, arguments: Iterable[Argument], result: int) -> int:
        if call_log.current() is not None:
            texts = tuple(call.shown or map(_text, arguments))
            note(self, call.name, texts, result, call.same_as)
        if result < 0 and -result not in call.accepted:
            raise KernelError(call.name, -result, call.subject)
        return result

    @contextmanager
    def together(self) -> Iterator[list[int]]:
        """Make the calls of the block at its end, in order, up to the first failure.

        In the block a call returns a ``Returned``, and later calls may use it.  After a
        failure only the calls in ``CLEANUP`` are made.  Yields a list that gets the results
        at the end.  Raises KernelError for the failed call; the list then has the results
        before it.  A block inside another one is a part of it, and its list stays empty.
        """
        if self._planned is not None:
            yield []
            return
        planned: list[Planned] = []
        self._planned = planned
        results: list[int] = []
        try:
            yield results
        finally:
            self._planned = None
        made = self.syscalls([(each.name, each.arguments, each.accepted) for each in planned])
        for each, result in zip(planned, made, strict=False):
            results.append(self._record(each, _resolved(each.arguments, made), result))

    @property
    def planned(self) -> int:
        """The number of calls in the present ``together`` block so far."""
        return len(self._planned or ())

    def syscalls(self, requests: Sequence[Request]) -> Sequence[int]:
        """Make the calls as ``make_in_order`` does; return their raw results."""
        return make_in_order(requests, self.syscall)

    # -- namespaces ---------------------------------------------------------------------

    def unshare(self, flags: int) -> None:
        """Move the process, or for pid and time its children, to new namespaces, unshare(2)."""
        names = clone_flags(flags)
        options = " ".join(f"--{CLONE_OPTIONS[name]}" for name in names)
        self.call(
            "unshare", flags, subject="|".join(names), shown=["|".join(names)],
            same_as=f"unshare {options}",
        )  # fmt: skip

    def setns(self, fd: int, flags: int, *, of: str | int) -> None:
        """Join the namespaces of ``fd``, setns(2).

        ``of`` is the path of the namespace file, or the PID of the process of a pidfd.
        """
        names = clone_flags(flags)
        options = [f"--{CLONE_OPTIONS[name]}" for name in names]
        if isinstance(of, int):
            shown, same_as = f"pidfd({of})", f"nsenter --target={of} {' '.join(options)}"
        else:
            shown, same_as = of, f"nsenter {' '.join(f'{each}={of}' for each in options)}"
        self.call(
            "setns", fd, flags, subject=shown, shown=[shown, "|".join(names)], same_as=same_as
        )

    def clone(self, flags: int) -> int:
        """Fork, clone(2); return the PID of the child in the PID namespace of the process."""
        kinds = clone_flags(flags)
        names = "|".join([*kinds, "SIGCHLD"])
        options = " ".join(
            f"--{CLONE_OPTIONS[name]}" for name in kinds if name in CLONE_OPTIONS
        )
        return self.call(
            "clone", flags | k.SIGCHLD, 0, 0, 0, 0, subject=names, shown=[names, "0"],
            same_as=f"unshare --fork {options}" if options else None,
        )  # fmt: skip

    def pidfd_open(self, pid: int) -> int:
        """Open a pidfd of a process, pidfd_open(2); a reused PID does not change it."""
        return self.call("pidfd_open", pid, 0, subject=f"PID {pid}")

    def pidfd_getfd(self, pidfd: int, fd: int) -> int:
        """Duplicate a descriptor of another process into the caller, pidfd_getfd(2)."""
        return self.call("pidfd_getfd", pidfd, fd, 0, subject=f"fd {fd}")

    def pidfd_send_signal(self, pidfd: int, number: int) -> None:
        """Send a signal to the process behind a pidfd, pidfd_send_signal(2)."""
        self.call("pidfd_send_signal", pidfd, number, 0, 0, subject=f"signal {number}")

    # -- files and mounts ---------------------------------------------------------------

    def mount(
        self,
        source: str | None,
        target: str,
        kind: str | None,
        flags: int = 0,
        data: str | None = None,
    ) -> None:
        """Mount a file system with its options ``data``, or change a mount, mount(2)."""
        names = "|".join(mount_flags(flags)) or "0"
        shown = [source or "NULL", target, kind or "NULL", names]
        self.call(
            "mount", _path(source), _path(target), _path(kind), flags, _path(data),
            subject=target, shown=[*shown, data] if data else shown,
            same_as=_mount_command(source, target, kind, flags, data),
        )  # fmt: skip

    def umount2(self, target: str, flags: int = 0) -> None:
        """Unmount a file system, umount(2)."""
        lazy = " -l" if flags & k.MNT_DETACH else ""
        self.call(
            "umount2", _path(target), flags, subject=target, same_as=f"umount{lazy} {target}"
        )

    def pivot_root(self, new_root: str, put_old: str) -> None:
        """Exchange the root mount, pivot_root(2)."""
        self.call("pivot_root", _path(new_root), _path(put_old), subject=new_root)

    def chdir(self, path: str) -> None:
        """Change the working directory, chdir(2)."""
        self.call("chdir", _path(path), subject=path, same_as=f"cd {path}")

    def fchdir(self, fd: int, *, of: str) -> None:
        """Change to the directory of a descriptor, fchdir(2); ``of`` is its path."""
        self.call("fchdir", fd, subject=of, shown=[of], same_as=f"cd {of}")

    def openat2(
        self, directory: int, path: str, flags: int, resolve: int, mode: int = 0
    ) -> int:
        """Open a path with RESOLVE_* flags, openat2(2); return the descriptor."""
        how = struct.pack("QQQ", flags, mode, resolve)
        return self.call(
            "openat2", directory, _path(path), bytearray(how), len(how), subject=path
        )

    def close(self, fd: int) -> None:
        """Close one descriptor, close(2)."""
        self.call("close", fd, subject=f"fd {fd}")

    def close_range(self, first: int, last: int, flags: int = 0) -> None:
        """Close all descriptors from ``first`` to ``last``, close_range(2).

        With CLOSE_RANGE_CLOEXEC in ``flags`` they are only marked close-on-exec.
        """
        self.call("close_range", first, last, flags, subject=f"fds {first} to {last}")

    def dup3(self, old: int, new: int, flags: int = 0) -> None:
        """Make ``new`` a duplicate of ``old``, dup(2); the flag is O_CLOEXEC."""
        self.call("dup3", old, new, flags, subject=f"fd {old}")

    def duplicate(self, fd: int, lowest: int) -> int:
        """Duplicate a descriptor to the lowest free one from ``lowest`` on, fcntl(2)."""
        return self.call("fcntl", fd, k.F_DUPFD_CLOEXEC, lowest, subject=f"fd {fd}")

    # -- the process itself -------------------------------------------------------------

    def hostname(self) -> str:
        """Return the host name of the process's UTS namespace, uname(2)."""
        # struct new_utsname has six fields of 65 bytes; nodename is the second.
        answer = bytearray(6 * 65)
        self.call("uname", answer, shown=["{nodename}"], same_as="hostname")
        return os.fsdecode(bytes(answer[65:130]).partition(b"\0")[0])

    def sethostname(self, name: str) -> None:
        """Set the host name of the process's UTS namespace, sethostname(2)."""
        text = name.encode()
        self.call(
            "sethostname", text, len(text), subject=name, shown=[f'"{name}"', str(len(text))],
            same_as=f"hostname {name}",
        )  # fmt: skip

    def prctl(self, option: int, value: int | bytes = 0) -> None:
        """Operate on the process, prctl(2)."""
        name = PRCTL_NAMES.get(option, str(option))
        shown = value.decode() if isinstance(value, bytes) else str(value)
        self.call("prctl", option, value, 0, 0, 0, subject=name, shown=[name, shown])

    def seccomp(self, instructions: bytes) -> None:
        """Filter all later calls of the process, seccomp(2)."""
        program = Program(instructions)
        length = len(instructions) // INSTRUCTION_SIZE
        self.call(
            "seccomp", k.SECCOMP_SET_MODE_FILTER, 0, program, subject=f"{length} instructions",
            shown=["SECCOMP_SET_MODE_FILTER", "0", f"{{len={length}, ...}}"],
        )  # fmt: skip

    def getpid(self) -> int:
        """Return the PID of the process in its PID namespace, getpid(2)."""
        return self.call("getpid")

    def setsid(self) -> None:
        """Start a session without a terminal, setsid(2)."""
        self.call("setsid")

    def setpgid(self, pid: int, group: int) -> None:
        """Move a process to a process group, setpgid(2); ``pid`` 0 is the caller."""
        self.call("setpgid", pid, group, subject=f"group {group}")

    def reap(self, pid: int) -> None:
        """Reap one child that has ended, wait4(2), unseen by the program of the process."""
        self.call("wait4", pid, 0, 0, 0, subject=f"PID {pid}")

    def set_foreground(self, terminal: int, group: int, *, at: int) -> None:
        """Make ``group`` the foreground process group of a terminal, TIOCSPGRP(2const).

        ``at`` is the address of this number in the memory of the process.
        """
        self.call(
            "ioctl", terminal, k.TIOCSPGRP, at,
            subject="TIOCSPGRP", shown=[str(terminal), "TIOCSPGRP", f"[{group}]"],
        )  # fmt: skip

    def take_terminal(self, terminal: int) -> None:
        """Make a terminal the controlling terminal of the session, TIOCSCTTY(2const)."""
        self.call(
            "ioctl", terminal, k.TIOCSCTTY, 0, subject="TIOCSCTTY",
            shown=[str(terminal), "TIOCSCTTY", "0"],
        )  # fmt: skip


# The long options of unshare(1) and nsenter(1).
CLONE_OPTIONS = {
    "CLONE_NEWNS": "mount",
    "CLONE_NEWUTS": "uts",
    "CLONE_NEWIPC": "ipc",
    "CLONE_NEWNET": "net",
    "CLONE_NEWPID": "pid",
    "CLONE_NEWUSER": "user",
    "CLONE_NEWCGROUP": "cgroup",
    "CLONE_NEWTIME": "time",
}


def make_in_order(requests: Iterable[Request], make: Callable[..., int]) -> list[int]:
    """Make the calls by ``make`` up to the first failure; return their raw results.

    After a failure only the calls in ``CLEANUP`` are made; their results are not returned.
    """
    results: list[int] = []
    failed = False
    for name, arguments, accepted in requests:
        if not failed:
            results.append(make(name, *_resolved(arguments, results)))
            failed = results[-1] < 0 and -results[-1] not in accepted
        elif name in CLEANUP and _is_known(arguments[0], results):
            make(name, *_resolved(arguments, results))
    return results


def _resolved(arguments: Iterable[Argument], results: Sequence[int]) -> list[Argument]:
    return [results[each] if isinstance(each, Returned) else each for each in arguments]


def _is_known(argument: Argument, results: Sequence[int]) -> bool:
    if not isinstance(argument, Returned):
        return True
    return argument < len(results) and results[argument] >= 0


def _path(path: str | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


def _text(argument: Argument) -> str:
    match argument:
        case None:
            return "NULL"
        case int():
            return str(argument)
        case bytearray() | Program():
            return "[...]"
        case _:
            return '"' + argument.decode("utf-8", "backslashreplace") + '"'


def _mount_command(
    source: str | None, target: str, kind: str | None, flags: int, data: str | None
) -> str:
    if kind is not None:
        options = f" -o {data}" if data else ""
        return f"mount -t {kind}{options} {source} {target}"
    recursive = "r" if flags & k.MS_REC else ""
    if flags & k.MS_BIND:
        return f"mount --{recursive}bind {source} {target}"
    change = {k.MS_PRIVATE: "private", k.MS_SLAVE: "slave"}[flags & ~k.MS_REC]
    return f"mount --make-{recursive}{change} {target}"
