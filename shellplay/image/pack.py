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
from shellplay.image.overlay_view import is_whiteout
from shellplay.image.store import Store


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
            device = root.stat().st_dev
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for path, name in _walk(root, device, skipped, exclude):
                    if not (overlay and _write_whiteout(tar, path, name)):
                        _write_file(tar, path, name, skipped)
            file.flush()
        blob = store.adopt(Path(file.name))
    for reason, number in skipped.items():
        yield f"{root}: {reason} left out: {number}"
    return Descriptor(LAYER, blob.digest, blob.size)


def _walk(
    root: Path, device: int, skipped: dict[str, int], exclude: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the path and the name in the tar of each file, in an order that never changes."""
    yield str(root), "."
    pending = [(str(root), "")]
    while pending:
        directory, parent = pending.pop()
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except PermissionError as error:
            raise _unreadable(directory) from error
        for entry in entries:
            name = f"{parent}{entry.name}"
            if name in exclude:
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.stat(follow_symlinks=False).st_dev != device:
                    skipped["mounted"] = skipped.get("mounted", 0) + 1
                    continue
                pending.append((entry.path, f"{name}/"))
            yield entry.path, name


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
        raise _unreadable(path) from error
    with os.fdopen(fd, "rb") as content:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Refused(f"{path} changed while it was read", "import it again")
        tar.addfile(member, content)


def _unreadable(path: str) -> Refused:
    return Refused(f"{path} cannot be read", "import it as root, or make it readable")
