"""Pack a directory as a layer of an image (image-spec, layer.md)."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path

from shellplay.errors import Refused
from shellplay.image.file_metadata import PAX_XATTR, xattrs_of
from shellplay.image.layer_writer import OPAQUE_MARKER, WHITEOUT_PREFIX
from shellplay.image.manifest import LAYER, Descriptor
from shellplay.image.overlay_changes import is_opaque
from shellplay.image.overlay_view import is_whiteout, open_beneath
from shellplay.image.store import Store

DELETED = "deleted meanwhile"


def pack_directory(
    store: Store, root: Path, *, overlay: bool = False, exclude: Collection[str] = ()
) -> Generator[str, None, Descriptor]:
    """Write a directory to the store as an uncompressed tar; return its descriptor.

    Files of an ordinary user become root's, as the user is root in a user namespace.  Mounts
    in the directory are left out.  With ``overlay`` the directory is the upper one of an
    overlay, and its whiteouts become names ``.wh.NAME``.  ``exclude`` are names in ``root``
    itself to leave out.  Yields sentences about files that are left out.  Raises Refused for a
    file that cannot be read.
    """
    skipped: dict[str, int] = {}
    with store.scratch() as file:
        with store.disk_errors():
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for path, name in _walk(root, skipped, exclude):
                    try:
                        if not (overlay and _write_whiteout(tar, path, name)):
                            _write_file(tar, path, name, skipped)
                    except FileNotFoundError:
                        # Programs write there; tar(1) goes on as well.
                        skipped[DELETED] = skipped.get(DELETED, 0) + 1
            file.flush()
        blob = store.adopt(Path(file.name))
    for reason, number in skipped.items():
        yield f"{root}: {reason} left out: {number}"
    return Descriptor(LAYER, blob.digest, blob.size)


def _walk(
    root: Path, skipped: dict[str, int], exclude: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the path and the name in the tar of each file, in an order that never changes.

    A path is good until the next one: it leads by the descriptor of an open directory, since
    programs may replace a directory by a link to one of the host meanwhile.
    """
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        device = os.fstat(top).st_dev
        yield f"/proc/self/fd/{top}/.", "."
        pending = [""]
        while pending:
            parent = pending.pop()
            try:
                with open_beneath(top, parent) as directory:
                    entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
                    for entry in entries:
                        name = f"{parent}{entry.name}"
                        if name in exclude:
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            if (found := _device_of(entry)) != device:
                                reason = "mounted" if found else DELETED
                                skipped[reason] = skipped.get(reason, 0) + 1
                                continue
                            pending.append(f"{name}/")
                        yield f"/proc/self/fd/{directory}/{entry.name}", name
            except PermissionError as error:
                raise _unreadable(parent) from error
    finally:
        os.close(top)


def _device_of(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_dev
    except FileNotFoundError:
        return None


def _write_whiteout(tar: tarfile.TarFile, path: str, name: str) -> bool:
    """Write the marker of a whiteout or an opaque directory; tell if it was a whiteout."""
    status = os.lstat(path)
    parent, _, last = name.rpartition("/")
    prefix = f"{parent}/" if parent else ""
    if is_whiteout(status):
        tar.addfile(tarfile.TarInfo(f"{prefix}{WHITEOUT_PREFIX}{last}"))
        return True
    if stat.S_ISDIR(status.st_mode) and name != "." and is_opaque(path):
        tar.addfile(tarfile.TarInfo(f"{name}/{OPAQUE_MARKER}"))
    return False


def _write_file(tar: tarfile.TarFile, path: str, name: str, skipped: dict[str, int]) -> None:
    # tar(1) leaves sockets out too: the process that listens is not in the archive.
    if stat.S_ISSOCK(os.lstat(path).st_mode):
        skipped["sockets"] = skipped.get("sockets", 0) + 1
        return
    member = tar.gettarinfo(path, name)
    if os.geteuid() != 0:
        member.uid = 0 if member.uid == os.geteuid() else member.uid
        member.gid = 0 if member.gid == os.getegid() else member.gid
    member.uname = member.gname = ""
    if not (member.isreg() or member.isdir()):
        tar.addfile(member)
        return
    member.pax_headers = {
        PAX_XATTR + key: value.decode("utf-8", "surrogateescape")
        for key, value in xattrs_of(path).items()
    }
    if member.isdir():
        tar.addfile(member)
        return
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except PermissionError as error:
        raise _unreadable(name) from error
    with os.fdopen(fd, "rb") as content:
        status = os.fstat(fd)
        # The status is of the file that is read, whatever the name leads to by now.
        if not stat.S_ISREG(status.st_mode) or status.st_size != member.size:
            raise _changed(name)
        try:
            tar.addfile(member, content)
        except OSError as error:
            # tarfile gives this error no number: the file has ended before its size.
            if error.errno is not None:
                raise
            raise _changed(name) from error


def _unreadable(name: str) -> Refused:
    return Refused(f"{name} cannot be read", "import it as root, or make it readable")


def _changed(name: str) -> Refused:
    fix = "pause the container, or import it again"
    return Refused(f"{name} changed while it was read", fix)
