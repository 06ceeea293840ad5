"""Read and write the user and group maps of a user namespace, user_namespaces(7)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress

from shellplay.errors import Refused
from shellplay.kernel import procfs
from shellplay.kernel.call_log import note
from shellplay.kernel.here import HERE
from shellplay.kernel.proc_write import write_file
from shellplay.model import Value

CAP_SETGID, CAP_SETUID = 6, 7
# The defaults of login.defs(5): the first subordinate ID, and the number for each user.
FIRST_SUBORDINATE, SUBORDINATES = 100_000, 65_536
_RANGE = "([^:]+):([0-9]+):([0-9]+)"


class MapRange(Value):
    """One line of uid_map or gid_map: first ID inside, first ID outside, number of IDs."""

    inside: int
    outside: int
    length: int


def uid_map(pid: int | str = "self") -> list[MapRange] | None:
    """Read the user map of the user namespace of a process; None if it has ended."""
    content = procfs.read(pid, "uid_map")
    return None if content is None else parse_map(content)


def gid_map(pid: int | str = "self") -> list[MapRange] | None:
    """Read the group map of the user namespace of a process; None if it has ended."""
    content = procfs.read(pid, "gid_map")
    return None if content is None else parse_map(content)


def parse_map(content: bytes) -> list[MapRange]:
    """Parse a uid_map or gid_map file; empty if the map is not written yet."""
    return [MapRange(*map(int, line.split())) for line in content.splitlines()]


def write_maps(pid: int, uids: Sequence[MapRange], gids: Sequence[MapRange]) -> None:
    """Write the user and group maps of the new user namespace of a process.

    Raises KernelError if the kernel refuses a map.  Raises Refused if newuidmap(1) is needed
    and missing, or refuses the map.
    """
    may_map_others = _may_map_others()
    if may_map_others or _only_oneself(uids, gids):
        if not may_map_others:
            # The kernel wants "deny" before gid_map: a process that drops a group could
            # otherwise open files that are closed to this group (CVE-2014-8989).
            write_file(pid, "setgroups", "deny")
        write_file(pid, "gid_map", _lines(gids))
        write_file(pid, "uid_map", _lines(uids))
        return
    _run("newgidmap", pid, gids)
    _run("newuidmap", pid, uids)


def is_mapped(number: int, ranges: Sequence[MapRange]) -> bool:
    """Tell whether a map has a user or group ID of the host."""
    return any(each.outside <= number < each.outside + each.length for each in ranges)


def subordinate_of_root(path: str) -> list[MapRange]:
    """Return a map to IDs that own no files: the ranges of root, or else the next free range.

    ``path`` is /etc/subuid or /etc/subgid, subuid(5).  Root itself is not mapped.
    """
    try:
        return subordinate(path, inside=0)
    except Refused:
        taken = [int(match[2]) + int(match[3]) for match in _ranges(path)]
        return [MapRange(0, max(taken, default=FIRST_SUBORDINATE), SUBORDINATES)]


def subordinate(path: str, *, inside: int) -> list[MapRange]:
    """Return the ranges of this user in /etc/subuid or /etc/subgid, subuid(5).

    ``inside`` is the first ID inside.  Raises Refused if the user has no range.
    """
    import pwd

    uid = os.getuid()
    names = {str(uid)}
    with suppress(KeyError):
        names.add(pwd.getpwuid(uid).pw_name)
    found: list[MapRange] = []
    for match in _ranges(path):
        if match[1] in names:
            found.append(MapRange(inside, int(match[2]), int(match[3])))
            inside += int(match[3])
    if not found:
        raise Refused(f"{path} has no range for you", "fence user, without map=auto")
    return found


def _ranges(path: str) -> list[re.Match[str]]:
    """Return the valid lines of a file; like newuidmap(1), ignore all other lines."""
    try:
        with open(path, "rb") as file:
            rows = procfs.text(file.read()).split("\n")
    except FileNotFoundError:
        return []
    return [match for row in rows if (match := re.fullmatch(_RANGE, row))]


def _may_map_others() -> bool:
    status = procfs.status("self")
    assert status is not None
    return all(status.effective >> bit & 1 for bit in (CAP_SETGID, CAP_SETUID))


def _only_oneself(uids: Sequence[MapRange], gids: Sequence[MapRange]) -> bool:
    pairs = ((uids, os.geteuid()), (gids, os.getegid()))
    return all(len(m) == 1 and m[0].outside == me and m[0].length == 1 for m, me in pairs)


def _lines(ranges: Sequence[MapRange]) -> str:
    return "".join(f"{each.inside} {each.outside} {each.length}\n" for each in ranges)


def _run(program: str, pid: int, ranges: Sequence[MapRange]) -> None:
    import shutil
    import subprocess

    path = shutil.which(program)
    if path is None:
        raise Refused(f"a map of others needs {program}", "apt-get install uidmap")
    words = [program, str(pid), *_lines(ranges).split()]
    done = subprocess.run(words, executable=path, capture_output=True, text=True, check=False)
    # A set-user-ID program writes the map, and we cannot see its calls.
    line = " ".join(words)
    note(HERE, "execve", (path, line), 0, line)
    if done.returncode != 0:
        raise Refused(f"{program} refused the map: {done.stderr.strip()}")
