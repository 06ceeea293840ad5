"""View an unfinished layer together with the layers below it, as overlayfs merges them.

A name in a layer is resolved in the whole image: ``lib/x`` is written to ``usr/lib/x`` if a
lower layer has ``lib -> usr/lib``.  Each name of a path is looked up here with lstat(2), and
only real directories are opened, so no symbolic link can lead out of the image.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt
from shellplay.image.file_metadata import Metadata

# The path of a file below the root of the image, as a tuple of names.
Place = tuple[str, ...]
MAX_LINKS = 40
MAX_DEPTH = 256
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
WHITEOUT = os.makedev(0, 0)


class OverlayView:
    """The upper directory of a layer over the lower directories of the layers below it.

    ``upper`` and ``lowers`` are descriptors of directories, the highest layer first.  The
    layer hides the lower files at the places ``removed`` and in the directories ``opaque``.
    ``metadata`` is that of the layer's directories: it is set at the end, as a write into a
    directory changes its modification time.
    """

    def __init__(self, upper: int, lowers: Sequence[int]) -> None:
        self.upper = upper
        self.lowers = tuple(lowers)
        self.removed: set[Place] = set()
        self.opaque: set[Place] = set()
        self.metadata: dict[Place, Metadata] = {
            (): Metadata.of_file(lowers[0]) if lowers else Metadata(0o755, 0, 0, 0)
        }
        self._layers_showing: dict[Place, tuple[int, ...]] = {(): self.lowers}

    def directory(self, parts: Sequence[str], *, create: bool = True) -> Place | None:
        """Follow the links in a path; create the directory in this layer; return its place.

        Missing directories are created.  Raises Corrupt if a name on the way is not a
        directory.  With ``create`` False nothing changes, and the result is None if the path
        is not a directory.
        """
        pending = deque(parts)
        place: Place = ()
        links_followed = 0
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
                self.make_directory(place, name, Metadata(0o755, 0, 0, 0))
            elif stat.S_ISLNK(found[1].st_mode):
                links_followed += 1
                if links_followed > MAX_LINKS:
                    raise Corrupt(f"it has links in a circle: {'/'.join(parts)[:200]!r}")
                target = os.readlink(path_of(place, name), dir_fd=found[0])
                pending.extendleft(reversed(target.split("/")))
                place = () if target.startswith("/") else place
                continue
            elif not stat.S_ISDIR(found[1].st_mode):
                if not create:
                    return None
                raise Corrupt(f"it has an entry below a file: {'/'.join(parts)[:200]!r}")
            elif create and found[0] != self.upper:
                self.copy_up_directory(place, name, found[0])
            place = (*place, name)
        return place

    def look_up(self, place: Place, name: str) -> tuple[int, os.stat_result] | None:
        """Return the layer (descriptor) that has the visible file, and its status, or None."""
        found = _stat(self.upper, place, name)
        if found is not None:
            return self.upper, found
        if self._is_hidden((*place, name)):
            return None
        return self.look_up_below(place, name)

    def look_up_below(self, place: Place, name: str) -> tuple[int, os.stat_result] | None:
        """Look a file up in the lower layers only, as if this layer hid nothing."""
        for layer in self.layers_showing(place):
            found = _stat(layer, place, name)
            if found is not None:
                return None if is_whiteout(found) else (layer, found)
        return None

    def layers_showing(self, place: Place) -> tuple[int, ...]:
        """Return the lower layers that overlayfs merges in a directory, the highest first."""
        if place not in self._layers_showing:
            showing = []
            for layer in self.layers_showing(place[:-1]):
                found = _stat(layer, place[:-1], place[-1])
                if found is not None and not stat.S_ISDIR(found.st_mode):
                    break
                if found is not None:
                    showing.append(layer)
            self._layers_showing[place] = tuple(showing)
        return self._layers_showing[place]

    def make_directory(self, place: Place, name: str, metadata: Metadata) -> None:
        """Create a directory in this layer; raises Corrupt below MAX_DEPTH directories."""
        if len(place) >= MAX_DEPTH:
            raise Corrupt(f"it has more than {MAX_DEPTH} directories in each other")
        os.mkdir(path_of(place, name), 0o700, dir_fd=self.upper)
        self.metadata[(*place, name)] = metadata

    def copy_up_directory(self, place: Place, name: str, layer: int) -> None:
        """Copy a lower directory (without its files) into this layer, as overlayfs does."""
        fd = os.open(path_of(place, name), OPEN_DIRECTORY, dir_fd=layer)
        try:
            self.make_directory(place, name, Metadata.of_file(fd))
        finally:
            os.close(fd)

    def remove(self, place: Place, name: str) -> None:
        """Delete a file or a directory tree of this layer; the lower layers are not touched."""
        path = path_of(place, name)
        if stat.S_ISDIR(os.lstat(path, dir_fd=self.upper).st_mode):
            inside = (*place, name)
            fd = os.open(path, OPEN_DIRECTORY, dir_fd=self.upper)
            try:
                for entry in os.scandir(fd):
                    self.remove(inside, entry.name)
            finally:
                os.close(fd)
            del self.metadata[inside]
            os.rmdir(path, dir_fd=self.upper)
        else:
            os.unlink(path, dir_fd=self.upper)

    def finish(self) -> set[str]:
        """Write the whiteouts for all hidden files, then the metadata of the directories.

        Returns the names of the extended attributes that the file system refused.
        """
        for place in sorted(self.removed, key=len):
            if not self._is_hidden(place[:-1]) and self._copy_up_if_shown(place[:-1]):
                self._add_whiteout(place[:-1], place[-1])
        for place in sorted(self.opaque, key=len):
            if not self._is_hidden(place) and self._copy_up_if_shown(place):
                self._add_whiteouts(place)
        refused: set[str] = set()
        for place in sorted(self.metadata, key=len, reverse=True):
            fd = os.open(path_of(place), OPEN_DIRECTORY, dir_fd=self.upper)
            try:
                refused |= self.metadata[place].apply_to(fd)
            finally:
                os.close(fd)
        return refused

    def _add_whiteouts(self, place: Place) -> None:
        """Add a whiteout for each file that the lower layers show in a directory.

        overlayfs's attribute for opaque directories would do the same, but it needs a file
        system with that attribute, and root and ordinary users need different ones.
        """
        names: dict[str, None] = {}
        for layer in self.layers_showing(place):
            fd = os.open(path_of(place), OPEN_DIRECTORY, dir_fd=layer)
            try:
                names.update((entry.name, None) for entry in os.scandir(fd))
            finally:
                os.close(fd)
        for name in names:
            self._add_whiteout(place, name)

    def _add_whiteout(self, place: Place, name: str) -> None:
        """Add a whiteout for one lower file, unless this layer has a file of that name."""
        below = self.look_up_below(place, name)
        if below is None:
            return
        above = _stat(self.upper, place, name)
        if above is None:
            os.mknod(path_of(place, name), stat.S_IFCHR, WHITEOUT, dir_fd=self.upper)
        elif stat.S_ISDIR(above.st_mode) and stat.S_ISDIR(below[1].st_mode):
            self._add_whiteouts((*place, name))

    def _copy_up_if_shown(self, place: Place) -> bool:
        """Copy a lower directory up if it is still visible; tell whether it is."""
        for length in range(len(place)):
            *_, name = ancestor = place[: length + 1]
            if ancestor in self.metadata:
                continue
            below = self.look_up_below(ancestor[:-1], name)
            if _stat(self.upper, ancestor[:-1], name) is not None or below is None:
                return False
            self.copy_up_directory(ancestor[:-1], name, below[0])
        return True

    def _is_hidden(self, place: Place) -> bool:
        if not (self.removed or self.opaque):
            return False
        return any(
            place[: length + 1] in self.removed or place[:length] in self.opaque
            for length in range(len(place))
        )


def path_of(place: Place, *names: str) -> str:
    """Return a place as a path relative to the ``dir_fd`` of a layer."""
    return "/".join((*place, *names)) or "."


@contextmanager
def open_beneath(root: int, path: str) -> Iterator[int]:
    """Open a directory below an open one for the block; none of its names is followed.

    Raises Refused if a name on the way is not a directory any more: programs write there.
    """
    fd = os.dup(root)
    try:
        for name in filter(None, path.split("/")):
            try:
                below = os.open(name, OPEN_DIRECTORY, dir_fd=fd)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    raise
                raise Refused(
                    f"{path} changed while it was read", "pause the container, and try again"
                ) from error
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def is_whiteout(status: os.stat_result) -> bool:
    """Tell whether a file is a whiteout, a character device 0:0 that hides the lower file."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == WHITEOUT


def _stat(layer: int, place: Place, name: str) -> os.stat_result | None:
    try:
        return os.lstat(path_of(place, name), dir_fd=layer)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR):
            raise Corrupt(f"it has a name that no file can have: {name[:80]!r}...") from error
        raise
