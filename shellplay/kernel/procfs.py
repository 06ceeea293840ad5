"""Read the files of processes in the /proc of the host, proc(5).

``Status`` and ``Stat`` parse the bytes of one file.  The readers return None, or an empty
result, for a process that has ended.  Bytes that are not UTF-8 become surrogates in text;
the views make them visible.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from functools import cache

PROC = "/proc"
CHUNK = 65536
COMMAND_BYTES = 4096
# Flag of a task in include/linux/sched.h: it has not called execve(2) since its fork.
PF_FORKNOEXEC = 0x40
_AUXILIARY = struct.Struct("NN")


class Status:
    """The content of /proc/PID/status, proc_pid_status(5); a field is parsed when it is read.

    A field that this kernel does not have is 0; ``pids`` is then the PID alone.
    """

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def _field(self, key: bytes) -> bytes:
        start = self._content.find(key)
        if start < 0:
            return b""
        start += len(key)
        return self._content[start : self._content.index(b"\n", start)]

    def _mask(self, key: bytes) -> int:
        return int(self._field(key) or b"0", 16)

    def _numbers(self, key: bytes) -> tuple[int, ...]:
        return tuple(map(int, self._field(key).split()))

    @property
    def name(self) -> str:
        """The command name, at most 15 bytes, with the escapes of the kernel."""
        return text(self._content[6 : self._content.index(b"\n")])

    @property
    def state(self) -> str:
        """The state, one letter: R, S, D, T, t, Z, X or I."""
        return text(self._field(b"\nState:\t")[:1])

    @property
    def pid(self) -> int:
        """The PID in our PID namespace."""
        return int(self._field(b"\nPid:\t"))

    @property
    def ppid(self) -> int:
        """The PID of the parent."""
        return int(self._field(b"\nPPid:\t"))

    @property
    def tracer(self) -> int:
        """The PID of the tracer, 0 if the process is not traced."""
        return int(self._field(b"\nTracerPid:\t"))

    @property
    def uid(self) -> int:
        """The real user ID."""
        return int(self._field(b"\nUid:\t").split(None, 1)[0])

    @property
    def gid(self) -> int:
        """The real group ID."""
        return int(self._field(b"\nGid:\t").split(None, 1)[0])

    @property
    def effective_uid(self) -> int:
        """The effective user ID."""
        return int(self._field(b"\nUid:\t").split(None, 2)[1])

    @property
    def pids(self) -> tuple[int, ...]:
        """The PID in each PID namespace, outermost first."""
        return self._numbers(b"\nNSpid:\t") or (self.pid,)

    @property
    def groups(self) -> tuple[int, ...]:
        """The process group ID in each PID namespace, outermost first."""
        return self._numbers(b"\nNSpgid:\t")

    @property
    def sessions(self) -> tuple[int, ...]:
        """The session ID in each PID namespace, outermost first."""
        return self._numbers(b"\nNSsid:\t")

    @property
    def threads(self) -> int:
        """The number of threads."""
        return int(self._field(b"\nThreads:\t") or 0)

    @property
    def rss(self) -> int:
        """The resident memory in KiB."""
        return int(self._field(b"\nVmRSS:\t").removesuffix(b" kB") or 0)

    @property
    def inheritable(self) -> int:
        """The inheritable capabilities, a bit mask."""
        return self._mask(b"\nCapInh:\t")

    @property
    def permitted(self) -> int:
        """The permitted capabilities, a bit mask."""
        return self._mask(b"\nCapPrm:\t")

    @property
    def effective(self) -> int:
        """The effective capabilities, a bit mask."""
        return self._mask(b"\nCapEff:\t")

    @property
    def bounding(self) -> int:
        """The bounding set of capabilities, a bit mask."""
        return self._mask(b"\nCapBnd:\t")

    @property
    def ambient(self) -> int:
        """The ambient capabilities, a bit mask."""
        return self._mask(b"\nCapAmb:\t")

    @property
    def no_new_privs(self) -> bool:
        """Whether no_new_privs is set, PR_SET_NO_NEW_PRIVS(2const)."""
        return self._field(b"\nNoNewPrivs:\t") == b"1"

    @property
    def seccomp(self) -> int:
        """The seccomp mode: 0 (off), 1 (strict) or 2 (filter)."""
        return int(self._field(b"\nSeccomp:\t") or 0)

    @property
    def filters(self) -> int:
        """The number of seccomp filters."""
        return int(self._field(b"\nSeccomp_filters:\t") or 0)

    @property
    def pending(self) -> int:
        """The signals that are pending for the process or its thread group, a bit mask."""
        return self._mask(b"\nSigPnd:\t") | self._mask(b"\nShdPnd:\t")

    @property
    def caught(self) -> int:
        """The signals that have a handler, a bit mask."""
        return self._mask(b"\nSigCgt:\t")

    @property
    def switches(self) -> int:
        """How often the process began to sleep or stopped (voluntary_ctxt_switches)."""
        return int(self._field(b"\nvoluntary_ctxt_switches:\t") or 0)


class Stat:
    """Fields of /proc/PID/stat, proc_pid_stat(5).

    ``terminal`` is a device number, 0 for none.  ``foreground`` is the foreground process
    group of this terminal, -1 for none.  ``start`` is the start time in clock ticks since
    boot.  ``executed`` is True if the process has called execve(2) since its fork.  ``ticks``
    is the processor time in clock ticks.  ``wait_status`` is that of wait(2) for a zombie.
    """

    __slots__ = (
        *("pid", "name", "state", "ppid", "group", "session", "terminal", "foreground"),
        *("start", "executed", "ticks", "wait_status"),
    )

    def __init__(self, content: bytes) -> None:
        # The name may contain blanks and parentheses.
        opening, closing = content.index(b"("), content.rindex(b")")
        fields = content[closing + 2 :].split()
        self.pid = int(content[:opening])
        self.name = text(content[opening + 1 : closing])
        self.state = text(fields[0])
        self.ppid = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        self.terminal = int(fields[4])
        self.foreground = int(fields[5])
        self.start = int(fields[19])
        self.executed = not int(fields[6]) & PF_FORKNOEXEC
        self.ticks = int(fields[11]) + int(fields[12])
        self.wait_status = int(fields[49])


def text(content: bytes) -> str:
    """Decode bytes that a process may have chosen; no byte is lost or refused."""
    return content.decode("utf-8", "surrogateescape")


def parse_arguments(content: bytes) -> tuple[str, ...]:
    """Parse a cmdline file; empty for a kernel thread, a zombie, or an overwritten command."""
    stripped = content.rstrip(b"\0")
    return tuple(map(text, stripped.split(b"\0"))) if stripped else ()


def parse_auxiliary(content: bytes) -> dict[int, int]:
    """Parse an auxv file, the auxiliary vector of getauxval(3); return values by type."""
    return dict(_AUXILIARY.iter_unpack(content))


def read(pid: int | str, name: str, limit: int | None = None) -> bytes | None:
    """Return the content of /proc/PID/NAME, or None if the process has ended.

    With a ``limit`` it makes one read(2) of at most so many bytes.  Raises PermissionError
    if the process belongs to another user.
    """
    try:
        fd = os.open(f"{PROC}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as error:
        # The kernel returns EINVAL for the mounts file of a zombie.
        if error.errno != errno.EINVAL:
            raise
        return None
    try:
        if limit is not None:
            return os.read(fd, limit)
        return b"".join(iter(lambda: os.read(fd, CHUNK), b""))
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)


def pids() -> list[int]:
    """Return the PIDs of all processes."""
    with os.scandir(PROC) as entries:
        return [int(entry.name) for entry in entries if entry.name.isdigit()]


def status(pid: int | str) -> Status | None:
    """Read the status of a process."""
    content = read(pid, "status", CHUNK)
    return Status(content) if content else None


def stat(pid: int | str) -> Stat | None:
    """Read the stat of a process."""
    content = read(pid, "stat", CHUNK)
    return Stat(content) if content else None


def stats() -> Iterator[Stat]:
    """Read the stat of all processes, in the order of their PIDs."""
    for pid in pids():
        found = stat(pid)
        if found is not None:
            yield found


def arguments(pid: int | str, limit: int | None = COMMAND_BYTES) -> tuple[str, ...] | None:
    """Read the words of the command of a process; ``limit`` is in bytes, None for all."""
    content = read(pid, "cmdline", limit)
    return None if content is None else parse_arguments(content)


def children(pid: int) -> list[int]:
    """Return the PIDs of the children of all threads of a process.

    If the kernel lacks task/TID/children (CONFIG_PROC_CHILDREN), all of /proc is read.
    """
    if not _lists_children():
        return [found.pid for found in stats() if found.ppid == pid]
    lists = [read(pid, f"task/{thread}/children") for thread in _threads(pid)]
    return sorted(int(word) for content in lists for word in (content or b"").split())


@cache
def _lists_children() -> bool:
    return os.path.exists(f"{PROC}/thread-self/children")


def _threads(pid: int) -> list[str]:
    try:
        links = os.stat(f"{PROC}/{pid}/task").st_nlink
    except (FileNotFoundError, ProcessLookupError):
        return []
    # Beside the usual two links there is one for each thread: to count is quicker than to list.
    return [str(pid)] if links == 3 else _names(pid, "task")


def auxiliary(pid: int | str) -> dict[int, int]:
    """Read the auxiliary vector of a process; return values by type, getauxval(3)."""
    return parse_auxiliary(read(pid, "auxv") or b"")


def reads(pid: int | str) -> int | None:
    """Return the number of reads that a process has made, proc_pid_io(5).

    None if the process has ended or the kernel does not count (CONFIG_TASK_IO_ACCOUNTING).
    """
    content = read(pid, "io", CHUNK)
    return int(content.partition(b"\nsyscr: ")[2].split(None, 1)[0]) if content else None


def fds(pid: int | str = "self") -> dict[int, str]:
    """Return the open descriptors of a process, each with the path of its file."""
    found: dict[int, str] = {}
    for name in _names(pid, "fd"):
        try:
            found[int(name)] = os.readlink(f"{PROC}/{pid}/fd/{name}")
        except (FileNotFoundError, ProcessLookupError):
            # It is closed meanwhile, like the descriptor of our own listdir.
            continue
    return found


def working_directory(pid: int) -> str:
    """Return the working directory of a process, proc_pid_cwd(5)."""
    return os.readlink(f"{PROC}/{pid}/cwd")


def _names(pid: int | str, folder: str) -> list[str]:
    try:
        return os.listdir(f"{PROC}/{pid}/{folder}")
    except (FileNotFoundError, ProcessLookupError):
        return []
