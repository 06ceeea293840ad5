"""Packs a directory as the only layer of an image."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path

from shellplay.errors import Refused
from shellplay.image.file_metadata import XATTR, xattrs_of
from shellplay.image.layer_writer import GONE, OPAQUE
from shellplay.image.manifest import LAYER, Descriptor
from shellplay.image.overlay_changes import is_opaque, is_whiteout
from shellplay.image.store import Store


def pack(
    store: Store, root: Path, *, overlay: bool = False, leave: Collection[str] = ()
) -> Generator[str, None, Descriptor]:
    """Take a directory into the store as a plain tar; return it.

    An ordinary user's own files become root's, as in a container of theirs; what is mounted
    in the directory is left out.  With ``overlay`` it is the upper one of an overlay, and
    what that hides is hidden by names, as in Docker's tars.  At the top the names in ``leave``
    are no part of it.  Yields a sentence for what was
    left out.  Raises Refused for what cannot be read.
    """
    skipped: dict[str, int] = {}
    with store.scratch() as file:
        with store.writing():
            device = root.stat().st_dev
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for path, name in _walk(root, device, skipped, leave):
                    if not (overlay and _hide(tar, path, name)):
                        _add(tar, path, name, skipped)
            file.flush()
        found = store.adopt(Path(file.name))
    for what, number in skipped.items():
        yield f"{root}: {what} left out: {number}"
    return Descriptor(LAYER, found.digest, found.size)


def _walk(
    top: Path, device: int, skipped: dict[str, int], leave: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield path and name of everything, in an order that does not change."""
    yield str(top), "."
    pending = [(str(top), "")]
    while pending:
        directory, above = pending.pop()
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except PermissionError as error:
            raise _unreadable(directory) from error
        for entry in entries:
            name = f"{above}{entry.name}"
            if name in leave:
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.stat(follow_symlinks=False).st_dev != device:
                    skipped["mounted"] = skipped.get("mounted", 0) + 1
                    continue
                pending.append((entry.path, f"{name}/"))
            yield entry.path, name


def _hide(tar: tarfile.TarFile, path: str, name: str) -> bool:
    """Write down what is hidden by a file or in a directory; tell if that is all of it."""
    found = os.lstat(path)
    above, _, last = name.rpartition("/")
    within = f"{above}/" if above else ""
    if is_whiteout(found):
        tar.addfile(tarfile.TarInfo(f"{within}{GONE}{last}"))
        return True
    if stat.S_ISDIR(found.st_mode) and name != "." and is_opaque(path):
        tar.addfile(tarfile.TarInfo(f"{name}/{OPAQUE}"))
    return False


def _add(tar: tarfile.TarFile, path: str, name: str, skipped: dict[str, int]) -> None:
    # As for tar(1): nothing can be behind it elsewhere.
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
        XATTR + key: value.decode("utf-8", "surrogateescape")
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
