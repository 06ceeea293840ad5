"""The fences that can be the cause of a refusal, together where they come off together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shellplay.fences import REGISTRY
from shellplay.fences.base.cgroup_limit import CgroupLimit
from shellplay.fences.base.target import Stage

# One namespace of mounts holds all of these: the process is in it, or it is not.
FILES = ("mnt", "root", "proc", "sys", "dev")
VIRTUAL = {"/proc": "proc", "/sys": "sys", "/dev": "dev"}

Unit = tuple[str, ...]


def units(kinds: Sequence[str], *, files: bool = True) -> list[Unit]:
    """Return the units of the applied ``kinds``; without ``files`` no fence that mounts.

    ``pid`` is the last: a trial without another namespace is made without that one, too.
    """
    found = [(kind,) for kind in kinds if not _is_of_files(kind) and _can_refuse(kind)]
    of_files = tuple(kind for kind in kinds if _is_of_files(kind))
    all_of_them: list[Unit] = [*found, of_files] if files and of_files else [*found]
    return sorted(all_of_them, key=lambda unit: unit == ("pid",))


def named(off: Sequence[str], path: str) -> Iterator[str]:
    """Yield the kinds to name: of those that mount only the one that holds the ``path``."""
    yield from (kind for kind in off if not _is_of_files(kind))
    files = [kind for kind in off if _is_of_files(kind)]
    virtual = next((kind for top, kind in VIRTUAL.items() if path.startswith(top)), "")
    holding = (kind for kind in (virtual, "root", "mnt", *files) if kind in files)
    yield from list(holding)[:1]


def _is_of_files(kind: str) -> bool:
    return kind in FILES or REGISTRY[kind].stage is Stage.MOUNT


def _can_refuse(kind: str) -> bool:
    # The other limits slow down or kill: no call fails by them.
    return kind == "pids" or not issubclass(REGISTRY[kind], CgroupLimit)
