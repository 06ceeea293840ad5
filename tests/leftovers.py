"""What a test can leave behind on the machine, read before and after it.

A process is ours if it descends from pytest or carries the tag of this run in its
environment, so that neighbours on a shared machine are not blamed on us.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from dataclasses import dataclass, fields
from pathlib import Path

TAG = "TESTED_IN_RUN"  # not SHELLPLAY_*: bash does not get those
PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
BESIDE = re.compile(r"(?:play|shellplay-)(\d+)")


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything that exists now and could outlive a test, as readable lines."""

    fds: frozenset[str]
    threads: frozenset[str]
    processes: frozenset[str]
    namespaces: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    interfaces: frozenset[str]
    files: frozenset[str]

    def difference(self, before: Traces) -> list[str]:
        """Return one line for each thing that came (+) or went (-) since ``before``."""
        lines = []
        for field in fields(self):
            now: frozenset[str] = getattr(self, field.name)
            then: frozenset[str] = getattr(before, field.name)
            lines += [f"+ {field.name}: {line}" for line in sorted(now - then)]
            if field.name not in ("processes", "threads", "namespaces", "cgroups"):
                gone = [line for line in sorted(then - now) if not BESIDE.match(line)]
                lines += [f"- {field.name}: {line}" for line in gone]
        return lines


def read_traces(scratch: Path) -> Traces:
    """Read all traces; ``scratch`` is the directory for temporary files of this run."""
    ours = _our_processes()
    return Traces(
        fds=_fds(),
        threads=frozenset(f"{t.name} ({t.native_id})" for t in threading.enumerate()),
        processes=frozenset(_describe(pid) for pid in ours),
        namespaces=_namespaces([os.getpid(), *ours]),
        mounts=_mounts(),
        cgroups=_cgroups({os.getpid(), *ours}),
        interfaces=_interfaces({os.getpid(), *ours}),
        files=frozenset(str(path) for path in scratch.iterdir()),
    )


def _fds() -> frozenset[str]:
    lines = set()
    for link in list((PROC / "self" / "fd").iterdir()):
        try:
            lines.add(f"{link.name} -> {link.readlink()}")
        except FileNotFoundError:  # the descriptor that the listing itself used
            continue
    return frozenset(lines)


def _our_processes() -> list[int]:
    parents = _parents()
    tag = f"{TAG}={os.environ.get(TAG, '')}".encode()
    known: dict[int, bool] = {os.getpid(): True, 0: False, 1: False}

    def ours(pid: int) -> bool:
        if pid not in known:
            known[pid] = False
            known[pid] = _carries(pid, tag) or ours(parents.get(pid, 0))
        return known[pid]

    return [pid for pid in parents if ours(pid) and pid != os.getpid()]


def _parents() -> dict[int, int]:
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(stat.rpartition(b")")[2].split()[1])
    return parents


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


def _namespaces(pids: list[int]) -> frozenset[str]:
    found = set()
    for pid in pids:
        try:
            for link in (PROC / str(pid) / "ns").iterdir():
                found.add(str(link.readlink()))
        except OSError:
            continue
    return frozenset(found)


def _mounts() -> frozenset[str]:
    lines = (PROC / "self" / "mountinfo").read_text().splitlines()
    return frozenset(" ".join(line.split(" - ")[0].split()[3:]) for line in lines)


def _interfaces(ours: set[int]) -> frozenset[str]:
    names = {name for _, name in socket.if_nameindex()}
    return frozenset(name for name in names if not is_a_neighbours(name, ours))


def is_a_neighbours(name: str, ours: set[int]) -> bool:
    """Tell whether a name has the PID in it of a process that lives and is not ours."""
    found = BESIDE.match(name)
    return found is not None and int(found[1]) not in ours and (PROC / found[1]).exists()


def our_processes() -> set[int]:
    """Return the PIDs of this process and of all that it has started."""
    return {os.getpid(), *_our_processes()}


def _cgroups(ours: set[int]) -> frozenset[str]:
    found = set()
    for path, _, _ in os.walk(CGROUPS):
        owner = Path(path).name.removeprefix("shellplay-").partition("-")[0]
        # Neighbours have some, too, named after a process of theirs that lives.
        if "shellplay-" in path and (
            not owner.isdigit() or int(owner) in ours or not (PROC / owner).exists()
        ):
            found.add(path)
    return frozenset(found)
