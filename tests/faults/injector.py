"""Make the n-th system call of a kind fail, in shellplay and in all that it starts.

The kernel asks us about each call of that kind (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2)),
and gives the process the errno that we answer.  So a fault is the kernel's, and reaches the
REPL, the monitor, a stub and what is called in a bash by ptrace alike.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from errno import (
    EACCES,
    EAFNOSUPPORT,
    EAGAIN,
    EBUSY,
    EIO,
    EMFILE,
    ENFILE,
    ENOBUFS,
    ENODEV,
    ENOMEM,
    ENOSPC,
    EPERM,
    EROFS,
)
from pathlib import Path

import pyseccomp

LAUNCHER = "tests.faults.launcher"
# seccomp.h: struct seccomp_notif and seccomp_notif_resp, with their ioctls.
RECEIVE, ANSWER = 0xC0502100, 0xC0182101
QUESTION_SIZE, ANSWER_FORM, GO_ON = 80, struct.Struct("QqiI"), 1
CLONE_THREAD = 0x10000
LONGEST_PATH = 100


@dataclass(frozen=True)
class Kind:
    """Calls that fail alike: their names, the errnos in turn, and the processes that count.

    ``ours`` counts only the calls of our own Python.
    """

    calls: tuple[str, ...]
    errnos: tuple[int, ...]
    ours: bool = False


MOUNTS = (
    *("mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "open_tree"),
    *("move_mount", "mount_setattr"),
)
KINDS: Mapping[str, Kind] = {
    "fork": Kind(("clone", "clone3", "fork", "vfork"), (EAGAIN, ENOMEM)),
    "thread": Kind(("clone", "clone3"), (EAGAIN,)),
    "open": Kind(("open", "openat", "openat2"), (EMFILE, ENFILE, EACCES, EIO), ours=True),
    "write": Kind(("write", "pwrite64"), (ENOSPC, EIO), ours=True),
    "pipe": Kind(("pipe", "pipe2"), (EMFILE, ENFILE)),
    "socket": Kind(("socket",), (EMFILE, EAFNOSUPPORT, ENOBUFS)),
    "socketpair": Kind(("socketpair",), (EMFILE, ENFILE)),
    "send": Kind(("sendto", "sendmsg"), (ENOBUFS, ENOMEM)),
    "epoll": Kind(("epoll_create1", "epoll_ctl"), (EMFILE, ENOMEM, ENOSPC)),
    "memfd": Kind(("memfd_create",), (EMFILE, ENOMEM)),
    "pidfd": Kind(("pidfd_open", "pidfd_getfd"), (EMFILE, ENFILE)),
    "mount": Kind(MOUNTS, (EPERM, ENOMEM, ENODEV, EBUSY)),
    "namespace": Kind(("unshare", "setns"), (ENOMEM, ENOSPC, EPERM)),
    "directory": Kind(("mkdir", "mkdirat"), (ENOSPC, EROFS, EACCES)),
    "execve": Kind(("execve", "execveat"), (ENOMEM, EACCES)),
    "ptrace": Kind(("ptrace",), (EPERM,)),
}


@dataclass
class Outcome:
    """How a program ended: its wait status, output, and the calls that were seen or failed."""

    status: int | None
    stdout: str
    stderr: str
    calls: int
    failed: list[str] = field(default_factory=list)

    @property
    def returncode(self) -> int:
        """The status, -1 if it did not end."""
        return -1 if self.status is None else self.status


class Supervisor:
    """Counts the calls of a kind, and lets the ``nth`` fail; with ``lasting`` all after it."""

    def __init__(self, kind: str, nth: int, *, lasting: bool = False) -> None:
        self._kind = KINDS[kind]
        self._thread_only = kind == "thread"
        self._forks_only = kind == "fork"
        self._nth = nth
        self._lasting = lasting
        self.calls = 0
        self.failed: list[str] = []
        self.names: dict[int, str] = {}
        for name in self._kind.calls:
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
            if number >= 0:
                self.names[number] = name

    def serve(self, listener: int) -> None:
        """Answer until no process has the filter any more."""
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while True:
            [(_, events)] = poll.poll()
            if not events & select.POLLIN:
                return
            question = bytearray(QUESTION_SIZE)
            # The process may have been killed meanwhile, or a signal restarts its call.
            with suppress(FileNotFoundError):
                fcntl.ioctl(listener, RECEIVE, question)
                fcntl.ioctl(listener, ANSWER, self._answer(question))

    def _answer(self, question: bytearray) -> bytearray:
        identity, pid, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", question)
        name = self.names[number]
        if self._counts(pid, name, arguments):
            self.calls += 1
            if self.calls == self._nth or (self._lasting and self.calls > self._nth > 0):
                error = self._kind.errnos[self.calls % len(self._kind.errnos)]
                self.failed.append(_described(pid, name, arguments, error))
                return bytearray(ANSWER_FORM.pack(identity, 0, -error, 0))
        return bytearray(ANSWER_FORM.pack(identity, 0, 0, GO_ON))

    def _counts(self, pid: int, name: str, arguments: list[int]) -> bool:
        if name in ("clone", "clone3", "fork", "vfork"):
            flags = _clone_flags(pid, name, arguments)
            if bool(flags & CLONE_THREAD) != self._thread_only:
                return False
        if name in ("write", "pwrite64") and not _is_file(pid, arguments[0]):
            return False
        return not self._kind.ours or _program(pid).startswith("python")


def _clone_flags(pid: int, name: str, arguments: list[int]) -> int:
    if name == "clone3":
        return int.from_bytes(_memory(pid, arguments[0], 8), sys.byteorder)
    return arguments[0] if name == "clone" else 0


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


def _is_file(pid: int, fd: int) -> bool:
    """Tell whether a descriptor is a file or a device: no disk is behind pipes and sockets."""
    try:
        return str(Path(f"/proc/{pid}/fd/{fd}").readlink()).startswith("/")
    except OSError:
        return False


def _memory(pid: int, address: int, size: int) -> bytes:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:  # noqa: PTH123
        file.seek(address)
        return file.read(size)


def _described(pid: int, name: str, arguments: list[int], error: int) -> str:
    comm = "?"
    with suppress(OSError), open(f"/proc/{pid}/comm") as file:  # noqa: PTH123
        comm = file.read().strip()
    text = ""
    places = {"open": 0, "openat": 1, "openat2": 1, "mount": 1, "mkdir": 0, "execve": 0}
    if name in places:
        with suppress(OSError):
            raw = _memory(pid, arguments[places[name]], LONGEST_PATH)
            text = raw.partition(b"\0")[0].decode(errors="replace")
    elif name in ("write", "sendto"):
        with suppress(OSError):
            size = min(LONGEST_PATH, arguments[2])
            text = f"{arguments[0]}, {_memory(pid, arguments[1], size)!r}"
    else:
        text = ", ".join(f"{each:#x}" for each in arguments[:3])
    return f"{name}({text}) = {error}, {os.strerror(error)}, in {comm}"


def run(
    words: Sequence[str],
    kind: str,
    nth: int,
    *,
    lasting: bool = False,
    environment: Mapping[str, str] | None = None,
    launch: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    timeout: float = 100,
    given: bytes | None = None,
) -> Outcome:
    """Run ``shellplay WORDS`` with a fault; the status is None if it did not end in time."""
    supervisor = Supervisor(kind, nth, lasting=lasting)
    ours, theirs = socket.socketpair()
    numbers = ",".join(map(str, supervisor.names))
    with ours:
        with theirs:
            process = launch(
                [sys.executable, "-m", LAUNCHER, str(theirs.fileno()), numbers, *words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()], env=environment,
            )  # fmt: skip
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    thread = threading.Thread(target=supervisor.serve, args=fds)
    thread.start()
    status: int | None
    try:
        output, errors = process.communicate(given, timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        status = None
    thread.join(timeout)
    os.close(fds[0])
    return Outcome(
        status, output.decode(), errors.decode(), supervisor.calls, supervisor.failed
    )
