"""Write one layer to disk: the entries of its tar become files that overlayfs can stack.

The tar of a layer marks a removed file by the name ``.wh.NAME`` (image-spec, layer.md,
"Whiteouts").  overlayfs marks it by a character device 0:0, which ordinary users may make.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence

from shellplay.image.digest import CHUNK, Corrupt, Readable
from shellplay.image.file_metadata import Metadata
from shellplay.image.limits import Limits
from shellplay.image.overlay_view import WHITEOUT, OverlayView, Place, path_of
from shellplay.image.tar_reader import TarReader, parts_of

WHITEOUT_PREFIX = ".wh."
OPAQUE_MARKER = ".wh..wh..opq"
AUFS_PREFIX = ".wh..wh."
CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
# Other programs on the host stop working on a full disk: this much stays free.
RESERVE = 1 << 30
ZEROS = bytes(CHUNK)
# Of MKDEV in linux/kdev_t.h.
MOST_REASONS = 8
MAX_MAJOR, MAX_MINOR = (1 << 12) - 1, (1 << 20) - 1


class LayerWriter:
    """Writes a layer to the directory ``upper``, over the layers ``lowers`` (descriptors)."""

    def __init__(self, upper: int, lowers: Sequence[int], limits: Limits) -> None:
        self._view = OverlayView(upper, lowers)
        self._limits = limits
        self._room = _room_on_disk(upper)
        self._skipped: dict[str, int] = {}
        self._parent: tuple[tuple[str, ...], Place] | None = None

    def write(self, stream: Readable) -> None:
        """Write all entries of an uncompressed tar; raises Corrupt, and OSError of the disk."""
        reader = TarReader(stream, self._limits)
        for member in reader:
            self._write_entry(reader, member)
        for name in sorted(self._view.finish()):
            self._count_skipped(f"attributes {name[:80]} left out, refused here")

    def notes(self) -> Iterator[str]:
        """Yield sentences about entries that this user or this file system cannot have."""
        for reason, number in self._skipped.items():
            yield f"{reason}: {number}"

    def _write_entry(self, reader: TarReader, member: tarfile.TarInfo) -> None:
        parts = parts_of(member.name)
        if not parts:
            if member.isdir():
                self._view.metadata[()] = Metadata.of_member(member)
            return
        *parent, name = parts
        if name.startswith(WHITEOUT_PREFIX):
            self._record_removal(tuple(parent), name)
            return
        if self._is_skipped(member):
            return
        place = self._directory(tuple(parent))
        self._write_member(reader, member, place, name)
        if not member.isreg() or self._parent is None or self._parent[0][: len(parts)] == parts:
            # The entry may have replaced a name on the path of the cached directory.
            self._parent = None

    def _directory(self, parts: tuple[str, ...]) -> Place:
        if self._parent is None or self._parent[0] != parts:
            place = self._view.directory(parts)
            assert place is not None
            self._parent = parts, place
        return self._parent[1]

    def _record_removal(self, parent: tuple[str, ...], name: str) -> None:
        if name.startswith(AUFS_PREFIX) and name != OPAQUE_MARKER:
            return
        self._parent = None
        place = self._view.directory(parent, create=False)
        if place is not None and name == OPAQUE_MARKER:
            self._view.opaque.add(place)
        elif place is not None:
            self._view.removed.add((*place, name[len(WHITEOUT_PREFIX) :]))

    def _is_skipped(self, member: tarfile.TarInfo) -> bool:
        if member.isdev() and not member.isfifo():
            if not (0 <= member.devmajor <= MAX_MAJOR and 0 <= member.devminor <= MAX_MINOR):
                raise Corrupt(
                    f"it has a device that cannot be: {member.devmajor}:{member.devminor}"
                )
            if os.makedev(member.devmajor, member.devminor) == WHITEOUT:
                self._count_skipped("devices left out that would hide files")
                return True
            if os.geteuid() != 0:
                self._count_skipped("device nodes left out, only root may make them")
                return True
        is_file = member.isreg() or member.isdir() or member.islnk() or member.issym()
        if not (is_file or member.isdev()):
            self._count_skipped("entries of an unknown kind left out")
        return not (is_file or member.isdev())

    def _count_skipped(self, reason: str) -> None:
        if len(self._skipped) >= MOST_REASONS and reason not in self._skipped:
            # An archive may have millions of attributes, each with a name of its own.
            reason = "other attributes left out, refused here"
        self._skipped[reason] = self._skipped.get(reason, 0) + 1

    def _write_member(
        self, reader: TarReader, member: tarfile.TarInfo, place: Place, name: str
    ) -> None:
        metadata = Metadata.of_member(member)
        if member.isdir():
            self._write_directory(place, name, metadata)
            return
        source = self._hard_link_source(member) if member.islnk() else None
        if source == path_of(place, name):
            return
        found = self._view.look_up(place, name)
        if found is not None and found[0] == self._view.upper:
            self._view.remove(place, name)
        path, upper = path_of(place, name), self._view.upper
        if source is not None:
            os.link(source, path, src_dir_fd=upper, dst_dir_fd=upper, follow_symlinks=False)
            return
        if member.isreg():
            fd = os.open(path, CREATE_FLAGS, 0o600, dir_fd=upper)
            self._write_content(fd, reader.content(member), metadata)
            return
        if member.issym():
            self._symlink(member.linkname, path)
        elif member.isfifo():
            os.mkfifo(path, 0o600, dir_fd=upper)
        else:
            kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
            device = os.makedev(member.devmajor, member.devminor)
            os.mknod(path, kind | 0o600, device, dir_fd=upper)
        metadata.apply_to_name(path, upper)

    def _write_content(self, fd: int, content: Iterator[bytes], metadata: Metadata) -> None:
        try:
            size = 0
            for data in content:
                size += len(data)
                # Zeros stay a hole: a sparse file of a few bytes could fill the disk with them.
                if data != ZEROS[: len(data)]:
                    self._write_at(fd, data, size - len(data))
            os.ftruncate(fd, size)
            for name in sorted(metadata.apply_to(fd)):
                self._count_skipped(f"attributes {name[:80]} left out, refused here")
        finally:
            os.close(fd)

    def _write_at(self, fd: int, data: bytes, position: int) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        while data:
            written = os.pwrite(fd, data, position)
            data, position = data[written:], position + written

    def _symlink(self, target: str, path: str) -> None:
        if not target or "\0" in target or len(os.fsencode(target)) >= 4096:
            raise Corrupt(f"it has a link that leads to no name: {target[:80]!r}")
        os.symlink(target, path, dir_fd=self._view.upper)

    def _write_directory(self, place: Place, name: str, metadata: Metadata) -> None:
        directory_place = (*place, name)
        found = self._view.look_up(place, name)
        in_layer = found is not None and found[0] == self._view.upper
        if in_layer and found is not None and stat.S_ISDIR(found[1].st_mode):
            self._view.metadata[directory_place] = metadata
            return
        if in_layer:
            # The directory replaces a file of this layer: lower files must stay hidden there.
            self._view.remove(place, name)
            self._view.removed.add(directory_place)
        self._view.make_directory(place, name, metadata)

    def _hard_link_source(self, member: tarfile.TarInfo) -> str:
        """Return the path of a hard link's source in this layer; a lower file is copied up."""
        *parent, name = parts_of(member.linkname) or ("",)
        place = self._view.directory(parent, create=False)
        found = None if place is None else self._view.look_up(place, name)
        if place is None or found is None or stat.S_ISDIR(found[1].st_mode):
            raise Corrupt(
                f"it has a link to what is not a file in this image: {member.linkname[:200]!r}"
            )
        if found[0] != self._view.upper:
            self._view.directory(parent)
            self._copy_up(place, name, *found)
        return path_of(place, name)

    def _copy_up(self, place: Place, name: str, layer: int, found: os.stat_result) -> None:
        path = path_of(place, name)
        if stat.S_ISLNK(found.st_mode):
            self._symlink(os.readlink(path, dir_fd=layer), path)
            return
        if not stat.S_ISREG(found.st_mode):
            raise Corrupt(f"it has a link to a device of a layer below: {path[:200]!r}")
        source = os.open(path, READ_FLAGS, dir_fd=layer)
        try:
            metadata = Metadata.of_file(source)
            content = iter(lambda: os.read(source, CHUNK), b"")
            self._write_content(
                os.open(path, CREATE_FLAGS, 0o600, dir_fd=self._view.upper), content, metadata
            )
        finally:
            os.close(source)


def _room_on_disk(directory: int) -> int:
    """Return how many bytes a layer may take: what is free, less what everybody else needs."""
    disk = os.fstatvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    return free - min(RESERVE, free // 10)
