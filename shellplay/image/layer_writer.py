"""Writes one layer to disk: the entries of its tar become files that overlayfs can stack.

Docker's tars say that something of a layer below is gone by names, ``.wh.NAME``; overlayfs
by a character device 0:0, which ordinary users may make, too.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator, Sequence

from shellplay.image.digest import CHUNK, Corrupt, Readable
from shellplay.image.file_metadata import Metadata
from shellplay.image.limits import Limits
from shellplay.image.overlay_view import WHITEOUT, Merged, Place, path_of
from shellplay.image.tar_reader import Tape, parts_of

GONE = ".wh."
OPAQUE = ".wh..wh..opq"
AUFS = ".wh..wh."
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Layer:
    """Writes one layer; ``notes`` are sentences about what could not be written."""

    def __init__(self, top: int, below: Sequence[int], limits: Limits) -> None:
        self._merged = Merged(top, below)
        self._limits = limits
        self._skipped: dict[str, int] = {}
        self._parent: tuple[tuple[str, ...], Place] | None = None

    def write(self, stream: Readable) -> None:
        """Write all entries of a tar; raises Corrupt, and OSError if the disk refuses."""
        tape = Tape(stream, self._limits)
        for member in tape:
            self._entry(tape, member)
        for name in sorted(self._merged.finish()):
            self._skip(f"attributes {name} left out, refused here")

    def notes(self) -> Iterator[str]:
        """Say what an ordinary user, or this file system, cannot have."""
        for what, number in self._skipped.items():
            yield f"{what}: {number}"

    def _entry(self, tape: Tape, member: tarfile.TarInfo) -> None:
        parts = parts_of(member.name)
        if not parts:
            if member.isdir():
                self._merged.metadata[()] = Metadata.of_member(member)
            return
        *above, name = parts
        if name.startswith(GONE):
            self._gone(tuple(above), name)
            return
        if self._unwanted(member):
            return
        place = self._directory(tuple(above))
        self._write(tape, member, place, name)
        if not member.isreg() or self._parent is None or self._parent[0][: len(parts)] == parts:
            # What leads to the next entry may have become another thing.
            self._parent = None

    def _directory(self, parts: tuple[str, ...]) -> Place:
        if self._parent is None or self._parent[0] != parts:
            place = self._merged.directory(parts)
            assert place is not None
            self._parent = parts, place
        return self._parent[1]

    def _gone(self, above: tuple[str, ...], name: str) -> None:
        if name.startswith(AUFS) and name != OPAQUE:
            return
        self._parent = None
        place = self._merged.directory(above, create=False)
        if place is not None and name == OPAQUE:
            self._merged.opaque.add(place)
        elif place is not None:
            self._merged.gone.add((*place, name[len(GONE) :]))

    def _unwanted(self, member: tarfile.TarInfo) -> bool:
        if member.isdev() and not member.isfifo():
            if os.makedev(member.devmajor, member.devminor) == WHITEOUT:
                self._skip("devices left out that would hide files")
                return True
            if os.geteuid() != 0:
                self._skip("device nodes left out, only root may make them")
                return True
        known = member.isreg() or member.isdir() or member.islnk() or member.issym()
        if not (known or member.isdev()):
            self._skip("entries of an unknown kind left out")
        return not (known or member.isdev())

    def _skip(self, what: str) -> None:
        self._skipped[what] = self._skipped.get(what, 0) + 1

    def _write(self, tape: Tape, member: tarfile.TarInfo, place: Place, name: str) -> None:
        metadata = Metadata.of_member(member)
        if member.isdir():
            self._make_directory(place, name, metadata)
            return
        source = self._linked(member) if member.islnk() else None
        if source == path_of(place, name):
            return
        found = self._merged.look_up(place, name)
        if found is not None and found[0] == self._merged.top:
            self._merged.remove(place, name)
        path, top = path_of(place, name), self._merged.top
        if source is not None:
            os.link(source, path, src_dir_fd=top, dst_dir_fd=top, follow_symlinks=False)
            return
        if member.isreg():
            fd = os.open(path, NEW, 0o600, dir_fd=top)
            self._fill(fd, tape.content(member), metadata)
            return
        if member.issym():
            self._link(member.linkname, path)
        elif member.isfifo():
            os.mkfifo(path, 0o600, dir_fd=top)
        else:
            kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
            device = os.makedev(member.devmajor, member.devminor)
            os.mknod(path, kind | 0o600, device, dir_fd=top)
        metadata.put_on_name(path, top)

    def _fill(self, fd: int, content: Iterator[bytes], metadata: Metadata) -> None:
        try:
            for data in content:
                left = memoryview(data)
                while left:
                    left = left[os.write(fd, left) :]
            for name in sorted(metadata.put_on(fd)):
                self._skip(f"attributes {name} left out, refused here")
        finally:
            os.close(fd)

    def _link(self, target: str, path: str) -> None:
        if not target or "\0" in target or len(os.fsencode(target)) >= 4096:
            raise Corrupt(f"it has a link that leads to no name: {target[:80]!r}")
        os.symlink(target, path, dir_fd=self._merged.top)

    def _make_directory(self, place: Place, name: str, metadata: Metadata) -> None:
        whole = (*place, name)
        found = self._merged.look_up(place, name)
        own = found is not None and found[0] == self._merged.top
        if own and found is not None and stat.S_ISDIR(found[1].st_mode):
            self._merged.metadata[whole] = metadata
            return
        if own:
            # A file stood here; what is below it does not come back with the directory.
            self._merged.remove(place, name)
            self._merged.gone.add(whole)
        self._merged.make(place, name, metadata)

    def _linked(self, member: tarfile.TarInfo) -> str:
        """Return the path of what a hard link is another name of, in this layer."""
        *above, name = parts_of(member.linkname) or ("",)
        place = self._merged.directory(above, create=False)
        found = None if place is None else self._merged.look_up(place, name)
        if place is None or found is None or stat.S_ISDIR(found[1].st_mode):
            raise Corrupt(
                f"it has a link to what is no file in this image: {member.linkname[:200]!r}"
            )
        if found[0] != self._merged.top:
            self._merged.directory(above)
            self._copy_up(place, name, *found)
        return path_of(place, name)

    def _copy_up(self, place: Place, name: str, layer: int, found: os.stat_result) -> None:
        path = path_of(place, name)
        if stat.S_ISLNK(found.st_mode):
            self._link(os.readlink(path, dir_fd=layer), path)
            return
        if not stat.S_ISREG(found.st_mode):
            raise Corrupt(f"it has a link to a device of a layer below: {path[:200]!r}")
        source = os.open(path, OLD, dir_fd=layer)
        try:
            metadata = Metadata.of_file(source)
            content = iter(lambda: os.read(source, CHUNK), b"")
            self._fill(os.open(path, NEW, 0o600, dir_fd=self._merged.top), content, metadata)
        finally:
            os.close(source)
