"""Read what the host's /proc says of processes, see proc(5).

The parsers take the bytes of one file and return a value; the readers below them return
None (or nothing) for a process that has gone while it was being read.  Text keeps bytes
that are not UTF-8 as surrogates: whoever shows it makes it visible.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = "/proc"
CHUNK = 65536
COMMAND_BYTES = 4096
# Of the flags of a task, in include/linux/sched.h.
PF_FORKNOEXEC = 0x40
_AUXILIARY = struct.Struct("NN")
_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Status:
    """The fields of /proc/PID/status that matter to fences, see proc_pid_status(5).

    ``pids``, ``groups`` and ``sessions`` go from the outermost to the innermost PID
    namespace; ``rss`` is in KiB; ``seccomp`` is 0 (off), 1 (strict) or 2 (filter), and
    ``filters`` how many there are (0 too if this kernel does not count them).
    """

    name: str
    state: str
    pid: int
    ppid: int
    tracer: int
    uid: int
    effective_uid: int
    pids: tuple[int, ...]
    groups: tuple[int, ...]
    sessions: tuple[int, ...]
    threads: int
    rss: int
    inheritable: int
    permitted: int
    effective: int
    bounding: int
    ambient: int
    no_new_privs: bool
    seccomp: int
    filters: int


@dataclass(frozen=True, slots=True)
class Stat:
    """The first fields of /proc/PID/stat, see proc_pid_stat(5).

    ``terminal`` is a device number (0: none), ``foreground`` the process group in front on
    that terminal (-1: none), ``start`` is in clock ticks since boot.  ``executed`` is whether
    it has become a program since it was forked, ``ticks`` how long it has had a processor.
    """

    pid: int
    name: str
    state: str
    ppid: int
    group: int
    session: int
    terminal: int
    foreground: int
    start: int
    executed: bool
    ticks: int


@dataclass(frozen=True, slots=True)
class Identity:
    """The part of a status that ps needs: real UID, and PIDs from the outermost inwards."""

    name: str
    state: str
    ppid: int
    uid: int
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/PID/mountinfo, see proc_pid_mountinfo(5).

    ``device`` is ``major:minor``; ``propagation`` are tags like ``shared:1``, none if the
    mount is private.
    """

    id: int
    parent: int
    device: str
    root: str
    point: str
    options: tuple[str, ...]
    propagation: tuple[str, ...]
    kind: str
    source: str
    super_options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One line of /proc/PID/cgroup, see cgroups(7): hierarchy 0 is version 2."""

    hierarchy: int
    controllers: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class MapRange:
    """One line of uid_map or gid_map, see user_namespaces(7)."""

    inside: int
    outside: int
    length: int


# -- parsers --------------------------------------------------------------------------------


def text(content: bytes) -> str:
    """Decode what a process may have chosen freely; no byte is lost or refused."""
    return content.decode("utf-8", "surrogateescape")


def parse_status(content: bytes) -> Status:
    """Parse a status file; fields that this kernel does not have count as 0 or the PID."""
    # Found one by one: there are three times as many, and a fence reads several statuses.
    pid = int(_field(content, b"\nPid:\t"))
    real, effective = _field(content, b"\nUid:\t").split()[:2]
    return Status(
        name=text(content[6 : content.index(b"\n")]),
        state=text(_field(content, b"\nState:\t")[:1]),
        pid=pid,
        ppid=parse_ppid(content),
        tracer=int(_field(content, b"\nTracerPid:\t")),
        uid=int(real),
        effective_uid=int(effective),
        pids=_numbers(_field(content, b"\nNSpid:\t")) or (pid,),
        groups=_numbers(_field(content, b"\nNSpgid:\t")),
        sessions=_numbers(_field(content, b"\nNSsid:\t")),
        threads=int(_field(content, b"\nThreads:\t") or 0),
        rss=int(_field(content, b"\nVmRSS:\t").removesuffix(b" kB") or 0),
        inheritable=_mask(_field(content, b"\nCapInh:\t")),
        permitted=_mask(_field(content, b"\nCapPrm:\t")),
        effective=_mask(_field(content, b"\nCapEff:\t")),
        bounding=_mask(_field(content, b"\nCapBnd:\t")),
        ambient=_mask(_field(content, b"\nCapAmb:\t")),
        no_new_privs=_field(content, b"\nNoNewPrivs:\t") == b"1",
        seccomp=int(_field(content, b"\nSeccomp:\t") or 0),
        filters=int(_field(content, b"\nSeccomp_filters:\t") or 0),
    )


def parse_identity(pid: int, content: bytes) -> Identity:
    """Parse only what ps needs of a status file: for thousands of them it matters."""
    return Identity(
        name=text(content[6 : content.index(b"\n")]),
        state=text(_field(content, b"\nState:\t")[:1]),
        ppid=parse_ppid(content),
        uid=int(_field(content, b"\nUid:\t").split(None, 1)[0]),
        pids=_numbers(_field(content, b"\nNSpid:\t")) or (pid,),
    )


def parse_ppid(content: bytes) -> int:
    """Parse only the parent's PID of a status file."""
    return int(_field(content, b"\nPPid:\t"))


def parse_stat(content: bytes) -> Stat:
    """Parse a stat file; the name in it may hold blanks and parentheses of its own."""
    opening, closing = content.index(b"("), content.rindex(b")")
    fields = content[closing + 2 :].split()
    return Stat(
        pid=int(content[:opening]),
        name=text(content[opening + 1 : closing]),
        state=text(fields[0]),
        ppid=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        terminal=int(fields[4]),
        foreground=int(fields[5]),
        start=int(fields[19]),
        executed=not int(fields[6]) & PF_FORKNOEXEC,
        ticks=int(fields[11]) + int(fields[12]),
    )


def parse_arguments(content: bytes) -> tuple[str, ...]:
    """Parse a cmdline file; empty for kernel threads, zombies and who wiped it."""
    stripped = content.rstrip(b"\0")
    return tuple(map(text, stripped.split(b"\0"))) if stripped else ()


def parse_auxiliary(content: bytes) -> dict[int, int]:
    """Parse an auxv file, the auxiliary vector of getauxval(3): values by their type."""
    return dict(_AUXILIARY.iter_unpack(content))


def parse_mountinfo(content: bytes) -> list[Mount]:
    """Parse a mountinfo file, in the order of mounting."""
    return [_mount(line) for line in content.splitlines()]


def parse_cgroup(content: bytes) -> list[Cgroup]:
    """Parse a cgroup file; a path may hold colons."""
    found = []
    for line in content.splitlines():
        hierarchy, controllers, path = line.split(b":", 2)
        names = tuple(text(controllers).split(",")) if controllers else ()
        found.append(Cgroup(int(hierarchy), names, text(path)))
    return found


def parse_map(content: bytes) -> list[MapRange]:
    """Parse a uid_map or gid_map file; empty if the map has not been written."""
    return [MapRange(*map(int, line.split())) for line in content.splitlines()]


def _field(content: bytes, key: bytes) -> bytes:
    start = content.find(key)
    if start < 0:
        return b""
    start += len(key)
    return content[start : content.index(b"\n", start)]


def _mask(field: bytes) -> int:
    return int(field or b"0", 16)


def _numbers(content: bytes) -> tuple[int, ...]:
    return tuple(map(int, content.split()))


def _mount(line: bytes) -> Mount:
    before, _, after = line.partition(b" - ")
    first, second, device, root, point, options, *tags = before.split(b" ")
    kind, source, supers = [*after.split(b" "), b"", b""][:3]
    return Mount(
        id=int(first),
        parent=int(second),
        device=text(device),
        root=_unescaped(root),
        point=_unescaped(point),
        options=tuple(text(options).split(",")),
        propagation=tuple(text(tag) for tag in tags if tag),
        kind=_unescaped(kind),
        source=_unescaped(source),
        super_options=tuple(text(supers).split(",")),
    )


def _unescaped(content: bytes) -> str:
    if b"\\" not in content:
        return text(content)
    return text(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), content))


# -- readers --------------------------------------------------------------------------------


def read(pid: int | str, name: str, limit: int | None = None) -> bytes | None:
    """Return the content of /proc/PID/NAME, or None if the process has gone.

    With a ``limit`` it is one read(2) of at most so many bytes.  Raises PermissionError for
    files of processes that are not ours to look into.
    """
    try:
        fd = os.open(f"{PROC}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
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
    return parse_status(content) if content else None


def stat(pid: int | str) -> Stat | None:
    """Read the stat of a process."""
    content = read(pid, "stat", CHUNK)
    return parse_stat(content) if content else None


def stats() -> Iterator[Stat]:
    """Read the stat of all processes, in the order of their PIDs."""
    for pid in pids():
        found = stat(pid)
        if found is not None:
            yield found


def arguments(pid: int | str, limit: int | None = COMMAND_BYTES) -> tuple[str, ...] | None:
    """Read the words of the command of a process; ``limit`` is in bytes."""
    content = read(pid, "cmdline", limit)
    return None if content is None else parse_arguments(content)


def children(pid: int) -> list[int]:
    """Return the PIDs of the direct children of a process, of all its threads.

    Where the kernel has no task/TID/children (CONFIG_PROC_CHILDREN) all of /proc is read.
    """
    lists = [read(pid, f"task/{thread}/children") for thread in _names(pid, "task")]
    if Path(PROC, "self", "task", str(os.getpid()), "children").exists():
        return sorted(int(word) for content in lists for word in (content or b"").split())
    return [found.pid for found in stats() if found.ppid == pid]


def auxiliary(pid: int | str) -> dict[int, int]:
    """Read what the kernel told the program of a process at its start, by type."""
    return parse_auxiliary(read(pid, "auxv") or b"")


def mounts(pid: int | str = "self") -> list[Mount] | None:
    """Read the mounts that a process sees; a zombie sees none."""
    content = read(pid, "mountinfo")
    return None if content is None else parse_mountinfo(content)


def mounts_below(pid: int | str, path: str) -> list[Mount]:
    """Read the mounts at a plain path and below it, and only those: there may be many."""
    lines = (read(pid, "mountinfo") or b"").splitlines()
    at, below = f"{path} ".encode(), f"{path}/".encode()
    points = (line.split(b" ", 5)[4] + b" " for line in lines)
    return [
        _mount(line)
        for line, point in zip(lines, points, strict=True)
        if point == at or point.startswith(below)
    ]


def mount_of(fd: int) -> int:
    """Return the id of the mount that a descriptor of ours leads to, see proc_pid_fdinfo(5)."""
    content = read("self", f"fdinfo/{fd}") or b""
    return int(_field(content, b"mnt_id:"))


def cgroups(pid: int | str = "self") -> list[Cgroup] | None:
    """Read the cgroups that a process is in, one for each hierarchy."""
    content = read(pid, "cgroup")
    return None if content is None else parse_cgroup(content)


def uid_map(pid: int | str = "self") -> list[MapRange] | None:
    """Read the user map of a process's user namespace."""
    content = read(pid, "uid_map")
    return None if content is None else parse_map(content)


def gid_map(pid: int | str = "self") -> list[MapRange] | None:
    """Read the group map of a process's user namespace."""
    content = read(pid, "gid_map")
    return None if content is None else parse_map(content)


def fds(pid: int | str = "self") -> dict[int, str]:
    """Return the open descriptors of a process and what each leads to."""
    found: dict[int, str] = {}
    for name in _names(pid, "fd"):
        try:
            found[int(name)] = text(os.fsencode(Path(PROC, str(pid), "fd", name).readlink()))
        except (FileNotFoundError, ProcessLookupError):  # closed since, as our own listing is
            continue
    return found


def _names(pid: int | str, folder: str) -> list[str]:
    try:
        with os.scandir(f"{PROC}/{pid}/{folder}") as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, ProcessLookupError):
        return []
