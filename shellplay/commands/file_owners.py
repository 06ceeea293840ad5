"""The checks of doctor for files: which other users can change or read what shellplay uses."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from shutil import which
from typing import NamedTuple

from shellplay.commands.finding import Finding
from shellplay.directories import base_directory
from shellplay.image.store import store_path
from shellplay.kernel.python_child import PACKAGE_ROOT
from shellplay.network.forwarding import DIRECTORY

YOU = "you"
DOCKER = Path("/run/docker.sock")


class Writer(NamedTuple):
    """Somebody else than root: the part of a path that they can change, and a fix."""

    path: Path
    who: str
    fix: str


def findings() -> Iterator[Finding]:
    """Yield the result of each check."""
    bash = which("bash")
    package = Path(PACKAGE_ROOT, "shellplay")
    programs = [Path(sys.executable), package, *([Path(bash)] if bash else [])]
    yield of_programs(programs, os.geteuid())
    yield of_directories(private_directories(), os.geteuid())
    yield of_docker(DOCKER)


def private_directories() -> list[Path]:
    """Return the directories that shellplay makes for this user alone, if they exist."""
    state = base_directory("XDG_STATE_HOME", ".local/state")
    cache = base_directory("XDG_CACHE_HOME", ".cache")
    paths = [
        *([state] if state else []),
        *([f"{cache}/bash", f"{cache}/filters"] if cache else []),
    ]
    ours = [DIRECTORY] if os.geteuid() == 0 else []
    return [path for path in (store_path(), *map(Path, paths), *ours) if path.exists()]


def of_programs(paths: Iterable[Path], uid: int) -> Finding:
    """Say who, apart from root, can change the programs that shellplay runs as ``uid``."""
    found = [each for path in paths for each in writers(path.resolve(), uid)]
    for other in found:
        if other.who != YOU:
            fact = f"{other.who} can change {other.path}, which shellplay runs"
            return Finding("programs", fact, other.fix)
    if not found:
        return Finding("programs", "only root can change Python, shellplay and bash")
    fact = f"{found[0].path} is yours, so a program inside can change it without fence root"
    return Finding("programs", fact, "fence root, or install Python and shellplay as root")


def of_directories(paths: Iterable[Path], uid: int) -> Finding:
    """Say which of shellplay's directories other users than ``uid`` can read or change."""
    for path in paths:
        if path.stat().st_mode & 0o077:
            return Finding("directories", f"others can read {path}", f"chmod go= {path}")
        for other in writers(path.resolve(), uid):
            if other.who != YOU:
                fact = f"{other.who} can change {other.path}, where shellplay keeps files"
                return Finding("directories", fact, other.fix)
    return Finding("directories", "nobody else can read or change what shellplay keeps")


def of_docker(socket: Path) -> Finding:
    """Say whether this user, and so a program inside, has root by the socket of Docker."""
    if os.geteuid() == 0 or not os.access(socket, os.W_OK):
        return Finding("docker socket", "it gives a program inside no privileges")
    fact = f"{socket} is yours to write: a program inside gets root by it"
    return Finding("docker socket", fact, "fence root; or leave the group docker")


def writers(path: Path, uid: int) -> Iterator[Writer]:
    """Yield everybody apart from root who can change a resolved path; ``uid`` is ``YOU``.

    In a directory with the sticky bit only the owner of a file can replace it, unlink(2).
    """
    for part in (path, *path.parents):
        found = part.stat()
        sticky = part != path and found.st_mode & stat.S_ISVTX
        if found.st_mode & stat.S_IWOTH and not sticky:
            yield Writer(part, "everybody", f"chmod o-w {part}")
        elif found.st_mode & stat.S_IWGRP and not sticky and not _alone_in(found.st_gid, uid):
            yield Writer(part, f"group {_group(found.st_gid)}", f"chmod g-w {part}")
        if found.st_uid not in (0, uid):
            yield Writer(part, f"user {_user(found.st_uid)}", f"chown root {part}, as root")
        elif found.st_uid == uid != 0:
            yield Writer(part, YOU, "")


def _alone_in(gid: int, uid: int) -> bool:
    """Tell whether a group is root's, or the private group that some systems give each user."""
    return gid == 0 or (_group(gid) == _user(uid) and uid != 0)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
