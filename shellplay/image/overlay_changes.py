"""What an overlay has written over the directories below it, see overlayfs(5)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shellplay.image.overlay_view import WHITEOUT

# Root's overlays note in the first that nothing below shows through, others in the second.
OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")

Differs = Callable[[os.stat_result, os.stat_result], bool]


class Kind(StrEnum):
    """What happened to a path, in the letters of ``docker diff``."""

    ADDED = "A"
    CHANGED = "C"
    DELETED = "D"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path that is not as it was; it begins with a slash."""

    kind: Kind
    path: str


def changes(
    upper: Path, lowers: Sequence[Path], apart: frozenset[str] | None = None
) -> Iterator[FileChange]:
    """Yield what is different in ``upper``, by name; ``lowers`` begin with the lowest.

    A directory is told before what is in it, and only if something in it, or its mode or
    owner, is different.  With ``apart`` the top is no overlay, but has one for each directory:
    these are the names there that are those of ``lowers`` themselves.
    """
    if apart is None:
        yield from _within(upper, "", lowers[::-1])
    else:
        yield from _beside(upper, lowers[::-1], apart)


def is_whiteout(found: os.stat_result) -> bool:
    """Tell whether a file says that the one below is gone."""
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == WHITEOUT


def is_opaque(directory: str | Path) -> bool:
    """Tell whether nothing from below shows in a directory."""
    names = os.listxattr(directory, follow_symlinks=False)
    return any(name in names and os.getxattr(directory, name) == b"y" for name in OPAQUE)


def _within(upper: Path, at: str, lowers: Sequence[Path]) -> Iterator[FileChange]:
    directory = Path(f"{upper}{at}")
    names = {each.name for each in directory.iterdir()}
    gone = set()
    if at and is_opaque(directory):
        gone = _names_below(lowers, at) - names
    for name in sorted(names | gone):
        path = f"{at}/{name}"
        if name in gone:
            yield FileChange(Kind.DELETED, path)
        else:
            yield from _one(upper, path, lowers)


def _beside(upper: Path, lowers: Sequence[Path], apart: frozenset[str]) -> Iterator[FileChange]:
    names = {each.name for each in upper.iterdir()} - apart
    before = _names_below(lowers, "") - apart
    for name in sorted(names | before):
        if name not in names:
            yield FileChange(Kind.DELETED, f"/{name}")
        elif name not in before or not _same_link(upper, lowers, name):
            yield from _one(upper, f"/{name}", lowers, _has_other_mode)


def _same_link(upper: Path, lowers: Sequence[Path], name: str) -> bool:
    """Tell whether a link at the top leads where the one below does: it is a copy of it."""
    links = [each / name for each in (upper, *lowers) if (each / name).is_symlink()]
    return len(links) > 1 and links[0].readlink() == links[1].readlink()


def _has_other_mode(one: os.stat_result, other: os.stat_result) -> bool:
    # Whoever made the directories at the top could not give them to whom they belong.
    return one.st_mode != other.st_mode


def _one(
    upper: Path, path: str, lowers: Sequence[Path], differs: Differs | None = None
) -> Iterator[FileChange]:
    differs = differs or _differs
    found, before = Path(f"{upper}{path}").lstat(), _below(lowers, path)
    if is_whiteout(found):
        if before is not None:
            yield FileChange(Kind.DELETED, path)
        return
    inside: Iterator[FileChange] = iter(())
    if stat.S_ISDIR(found.st_mode):
        inside = _within(upper, path, lowers)
    if before is None:
        yield FileChange(Kind.ADDED, path)
        yield from inside
        return
    first = next(inside, None)
    if first is not None or not stat.S_ISDIR(found.st_mode) or differs(found, before):
        yield FileChange(Kind.CHANGED, path)
    if first is not None:
        yield first
        yield from inside


def _differs(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_mode, one.st_uid, one.st_gid) != (other.st_mode, other.st_uid, other.st_gid)


def _below(lowers: Sequence[Path], path: str) -> os.stat_result | None:
    """Find what a path was before, the highest directory first."""
    for lower in lowers:
        found = _in(lower, path)
        if isinstance(found, os.stat_result):
            return found
        if found:
            return None
    return None


def _in(lower: Path, path: str) -> os.stat_result | bool:
    """Find a path in one directory; True if it says that there is nothing, below it too."""
    at = str(lower)
    parts = path.strip("/").split("/")
    for number, name in enumerate(parts, 1):
        at = f"{at}/{name}"
        try:
            found = os.lstat(at)
        except FileNotFoundError:
            return False
        if is_whiteout(found):
            return True
        if number == len(parts):
            return found
        if not stat.S_ISDIR(found.st_mode):
            return True
    return False


def _names_below(lowers: Sequence[Path], at: str) -> set[str]:
    places = [Path(f"{lower}{at}") for lower in lowers]
    # A lower directory itself may be the link of a descriptor in /proc.
    found = [each for each in places if each.is_dir() and not (at and each.is_symlink())]
    names = {each.name for place in found for each in place.iterdir()}
    return {name for name in names if _below(lowers, f"{at}/{name}") is not None}
