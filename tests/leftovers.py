"""The things that a test can leave on the machine, read before and after it.

Neighbours on a shared machine are not blamed on us, a second run of these tests neither.
A process is ours if it descends from pytest, carries the tag of this run in its environment,
or is in a cgroup of ours.  A cgroup is ours if it is below those of this run, which
tests.delegation makes.  An interface, or a cgroup elsewhere, has in its name the PID of the
playground that made it.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from shellplay.kernel.cgroup.hierarchies import pids
from tests.delegation import own_directories

TAG = "TESTED_IN_RUN"  # not SHELLPLAY_*: bash does not get those
PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
PLAYGROUND = re.compile(r"(?:play|shellplay-)(\d+)")
PLAYGROUNDS_CGROUP = re.compile(r"/shellplay-(\d+)-")
# Of Docker and Podman, which mount on the host and make interfaces there while we test.
ENGINES_PLACES = ("/var/lib/docker/", "/var/lib/containers/", "/run/docker/", "/run/netns/")
ENGINES_INTERFACE = re.compile(r"docker0|podman\d+|br-[0-9a-f]{12}|veth[0-9a-f]{7}|veth\d+")

# By PID: when a process started, and whether it was ours when it was seen last.
_seen: dict[int, tuple[str, bool]] = {}


@dataclass(frozen=True, slots=True)
class Traces:
    """All things that exist now and could outlive a test, as readable lines."""

    fds: frozenset[str]
    threads: frozenset[str]
    processes: frozenset[str]
    namespaces: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    interfaces: frozenset[str]
    files: frozenset[str]

    def difference(self, before: Traces) -> list[str]:
        """Return one line for each thing that is new (+) or missing (-) since ``before``."""
        lines = []
        for field in fields(self):
            now: frozenset[str] = getattr(self, field.name)
            then: frozenset[str] = getattr(before, field.name)
            lines += [f"+ {field.name}: {line}" for line in sorted(now - then)]
            if field.name not in ("processes", "threads", "namespaces", "cgroups"):
                gone = [line for line in sorted(then - now) if not PLAYGROUND.match(line)]
                lines += [f"- {field.name}: {line}" for line in gone]
        return lines


def read_traces(scratch: Path) -> Traces:
    """Read all traces; ``scratch`` is the directory for temporary files of this run."""
    ours = our_processes()
    return Traces(
        fds=_fds(),
        threads=frozenset(f"{t.name} ({t.native_id})" for t in threading.enumerate()),
        processes=frozenset(_describe(pid) for pid in ours if pid != os.getpid()),
        namespaces=_namespaces(ours),
        mounts=_mounts(),
        cgroups=_cgroups(ours),
        interfaces=_interfaces(ours),
        files=frozenset(str(path) for path in scratch.iterdir()),
    )


def _fds() -> frozenset[str]:
    lines = set()
    for link in list((PROC / "self" / "fd").iterdir()):
        try:
            lines.add(f"{link.name} -> {link.readlink()}")
        except FileNotFoundError:  # This was the descriptor of the listing itself.
            continue
    return frozenset(lines)


def our_processes() -> set[int]:
    """Return the PIDs of this process and all its descendants."""
    here = os.getpid()
    tag = f"{TAG}={os.environ.get(TAG, '')}".encode()
    running = dict(_running())
    # All hierarchies hold the same processes; also those without our environment and parents.
    inside = (pid for each in own_directories()[:1] for pid in pids(str(each), below=True))
    known = {0: False, 1: False} | dict.fromkeys((here, *inside), True)

    def ours(pid: int) -> bool:
        if pid not in known:
            parent, began = running.get(pid, (0, ""))
            known[pid] = False
            stranger = _seen.get(pid) == (began, False)
            known[pid] = not stranger and (_carries(pid, tag) or ours(parent))
        return known[pid]

    _seen.update((pid, (began, ours(pid))) for pid, (_, began) in running.items())
    return {here, *(pid for pid in running if known[pid])}


def _running() -> Iterator[tuple[int, tuple[int, str]]]:
    """Yield the PID of every process, with its parent and the time of its start."""
    for name in os.listdir(PROC):  # noqa: PTH208 (this is read before and after each test)
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb", buffering=0) as file:  # noqa: PTH123
                    words = file.read().rpartition(b")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(name), (int(words[1]), words[19].decode())


def _carries(pid: int, tag: bytes) -> bool:
    try:
        return tag in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _describe(pid: int) -> str:
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return f"{pid} (gone)"
    command = b" ".join(words).decode(errors="backslashreplace").strip()
    return f"{pid} {'zombie' if state == 'Z' else command or '(no command line)'}"


def _namespaces(pids: set[int]) -> frozenset[str]:
    found = set()
    for pid in pids:
        try:
            for link in (PROC / str(pid) / "ns").iterdir():
                found.add(str(link.readlink()))
        except OSError:
            continue
    return frozenset(found)


def mounts() -> str:
    """Return the mounts of the host in the words of the kernel, but for other engines'."""
    lines = (PROC / "self" / "mountinfo").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.split()[4].startswith(ENGINES_PLACES))


def _mounts() -> frozenset[str]:
    lines = mounts().splitlines()
    return frozenset(" ".join(line.split(" - ")[0].split()[3:]) for line in lines)


def _interfaces(ours: set[int]) -> frozenset[str]:
    names = {name for _, name in socket.if_nameindex()}
    return frozenset(name for name in names if not is_a_neighbours(name, ours))


def is_a_neighbours(name: str, ours: set[int]) -> bool:
    """Tell whether a name is another engine's, or has the PID of a process that is not ours."""
    if ENGINES_INTERFACE.fullmatch(name):
        return True
    found = PLAYGROUND.match(name)
    return found is not None and not _is_ours(int(found[1]), ours, unseen=True)


def _is_ours(pid: int, ours: set[int], *, unseen: bool) -> bool:
    """Tell whether a process is or was ours; return ``unseen`` if it was never seen."""
    if pid in ours or (PROC / str(pid)).exists():
        return pid in ours
    return _seen.get(pid, ("", unseen))[1]


def _cgroups(ours: set[int]) -> frozenset[str]:
    own = own_directories()
    if not own:
        outside = (path for path, _, _ in os.walk(CGROUPS))
        return frozenset(path for path in outside if _is_blamed(path, ours, unseen=True))
    # One that is not below ours is ours only if we saw the process that its name tells of.
    beside = (str(path) for each in own for path in each.parent.glob("shellplay-*"))
    found = {path for path in beside if _is_blamed(path, ours, unseen=False)}
    for each in own:
        homes = {str(each), str(each / "shell")}
        # A directory has two links, and one more for each that is below it.
        if any(Path(path).stat().st_nlink > 2 + (path == str(each)) for path in homes):
            found |= {path for path, _, _ in os.walk(each)} - homes
    return frozenset(found)


def _is_blamed(path: str, ours: set[int], *, unseen: bool) -> bool:
    found = PLAYGROUNDS_CGROUP.search(path)
    return found is not None and _is_ours(int(found[1]), ours, unseen=unseen)
