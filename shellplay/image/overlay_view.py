"""A layer that is being written, seen together with the layers below it.

Names in a layer mean what they mean in the whole image: ``lib/x`` is ``usr/lib/x`` where a
layer below has ``lib -> usr/lib``.  Everything is looked up here, part by part, and only
directories that are known to be directories are ever walked through, so that no link can
lead out.  A place is a tuple of such parts below the root of the image.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Sequence

from shellplay.image.digest import Corrupt
from shellplay.image.file_metadata import Metadata

Place = tuple[str, ...]
MOST_LINKS = 40
DEEPEST = 256
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
WHITEOUT = os.makedev(0, 0)


class Merged:
    """The directory of a layer (``top``) over open directories of the layers below it.

    ``below`` are descriptors, the highest layer first.  Nothing of them shows through at
    the places ``gone`` and in the directories ``opaque``.  ``metadata`` is for directories
    of this layer at its end, since writing into a directory changes it.
    """

    def __init__(self, top: int, below: Sequence[int]) -> None:
        self.top = top
        self.below = tuple(below)
        self.gone: set[Place] = set()
        self.opaque: set[Place] = set()
        self.metadata: dict[Place, Metadata] = {
            (): Metadata.of_file(below[0]) if below else Metadata(0o755, 0, 0, 0)
        }
        self._through: dict[Place, tuple[int, ...]] = {(): self.below}

    def directory(self, parts: Sequence[str], *, create: bool = True) -> Place | None:
        """Return where a directory really is, after links; it is in this layer, too, then.

        What is missing is made; Corrupt is raised if something else is in the way.  Without
        ``create`` nothing is changed, and None is returned for what is no directory.
        """
        pending = deque(parts)
        place: Place = ()
        links = 0
        while pending:
            name = pending.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                place = place[:-1]
                continue
            found = self.look_up(place, name)
            if found is None:
                if not create:
                    return None
                self.make(place, name, Metadata(0o755, 0, 0, 0))
            elif stat.S_ISLNK(found[1].st_mode):
                links += 1
                if links > MOST_LINKS:
                    raise Corrupt(f"it has links in a circle: {'/'.join(parts)[:200]!r}")
                target = os.readlink(path_of(place, name), dir_fd=found[0])
                pending.extendleft(reversed(target.split("/")))
                place = () if target.startswith("/") else place
                continue
            elif not stat.S_ISDIR(found[1].st_mode):
                if not create:
                    return None
                raise Corrupt(f"it has an entry below a file: {'/'.join(parts)[:200]!r}")
            elif create and found[0] != self.top:
                self.copy_up(place, name, found[0])
            place = (*place, name)
        return place

    def look_up(self, place: Place, name: str) -> tuple[int, os.stat_result] | None:
        """Return the layer that shows something at a place, and what, or None."""
        found = _stat(self.top, place, name)
        if found is not None:
            return self.top, found
        if self._is_hidden((*place, name)):
            return None
        return self.look_below(place, name)

    def look_below(self, place: Place, name: str) -> tuple[int, os.stat_result] | None:
        """Return what the layers below show, whatever this one hides."""
        for layer in self.through(place):
            found = _stat(layer, place, name)
            if found is not None:
                return None if is_whiteout(found) else (layer, found)
        return None

    def through(self, place: Place) -> tuple[int, ...]:
        """Return the layers below that take part in a directory, the highest first."""
        if place not in self._through:
            taking_part = []
            for layer in self.through(place[:-1]):
                found = _stat(layer, place[:-1], place[-1])
                if found is not None and not stat.S_ISDIR(found.st_mode):
                    break
                if found is not None:
                    taking_part.append(layer)
            self._through[place] = tuple(taking_part)
        return self._through[place]

    def make(self, place: Place, name: str, metadata: Metadata) -> None:
        """Make a directory in this layer; raises Corrupt if it would be too deep."""
        if len(place) >= DEEPEST:
            raise Corrupt(f"it has more than {DEEPEST} directories in each other")
        os.mkdir(path_of(place, name), 0o700, dir_fd=self.top)
        self.metadata[(*place, name)] = metadata

    def copy_up(self, place: Place, name: str, layer: int) -> None:
        """Make a directory in this layer as it is in one below, as overlayfs would."""
        fd = os.open(path_of(place, name), DIRECTORY, dir_fd=layer)
        try:
            self.make(place, name, Metadata.of_file(fd))
        finally:
            os.close(fd)

    def remove(self, place: Place, name: str) -> None:
        """Remove what this layer itself has at a place."""
        path = path_of(place, name)
        if stat.S_ISDIR(os.lstat(path, dir_fd=self.top).st_mode):
            within = (*place, name)
            fd = os.open(path, DIRECTORY, dir_fd=self.top)
            try:
                for entry in os.scandir(fd):
                    self.remove(within, entry.name)
            finally:
                os.close(fd)
            del self.metadata[within]
            os.rmdir(path, dir_fd=self.top)
        else:
            os.unlink(path, dir_fd=self.top)

    def finish(self) -> set[str]:
        """Cover what this layer hides, and give the directories their metadata.

        Returns the extended attributes that the file system refused.
        """
        for place in sorted(self.gone, key=len):
            if not self._is_hidden(place[:-1]) and self._is_shown(place[:-1]):
                self._cover(place[:-1], place[-1])
        for place in sorted(self.opaque, key=len):
            if not self._is_hidden(place) and self._is_shown(place):
                self._hide(place)
        refused: set[str] = set()
        for place in sorted(self.metadata, key=len, reverse=True):
            fd = os.open(path_of(place), DIRECTORY, dir_fd=self.top)
            try:
                refused |= self.metadata[place].put_on(fd)
            finally:
                os.close(fd)
        return refused

    def _hide(self, place: Place) -> None:
        """Cover all that the layers below show in a directory.

        It is done by whiteouts and not by overlayfs's attribute for opaque directories:
        these work on every file system, and for root and ordinary users alike.
        """
        names: dict[str, None] = {}
        for layer in self.through(place):
            fd = os.open(path_of(place), DIRECTORY, dir_fd=layer)
            try:
                names.update((entry.name, None) for entry in os.scandir(fd))
            finally:
                os.close(fd)
        for name in names:
            self._cover(place, name)

    def _cover(self, place: Place, name: str) -> None:
        """Cover what the layers below show at one place, unless this layer has its own."""
        below = self.look_below(place, name)
        if below is None:
            return
        own = _stat(self.top, place, name)
        if own is None:
            os.mknod(path_of(place, name), stat.S_IFCHR, WHITEOUT, dir_fd=self.top)
        elif stat.S_ISDIR(own.st_mode) and stat.S_ISDIR(below[1].st_mode):
            self._hide((*place, name))

    def _is_shown(self, place: Place) -> bool:
        """Tell whether a directory below still shows through, and copy it up if it does."""
        for length in range(len(place)):
            *_, name = inner = place[: length + 1]
            if inner in self.metadata:
                continue
            below = self.look_below(inner[:-1], name)
            if _stat(self.top, inner[:-1], name) is not None or below is None:
                return False
            self.copy_up(inner[:-1], name, below[0])
        return True

    def _is_hidden(self, place: Place) -> bool:
        if not (self.gone or self.opaque):
            return False
        return any(
            place[: length + 1] in self.gone or place[:length] in self.opaque
            for length in range(len(place))
        )


def path_of(place: Place, *names: str) -> str:
    """Return the path of a place for a call that gets the directory of a layer, too."""
    return "/".join((*place, *names)) or "."


def is_whiteout(found: os.stat_result) -> bool:
    """Tell whether a file is overlayfs's sign that what is below it is gone."""
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == WHITEOUT


def _stat(layer: int, place: Place, name: str) -> os.stat_result | None:
    try:
        return os.lstat(path_of(place, name), dir_fd=layer)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR):
            raise Corrupt(f"it has a name that no file can have: {name[:80]!r}...") from error
        raise
