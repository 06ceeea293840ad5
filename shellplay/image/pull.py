"""``image pull``: an image from a registry, with every digest checked."""

from __future__ import annotations

import fcntl
import io
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shellplay.errors import Refused
from shellplay.image.collect import Broken, finish, gather
from shellplay.image.digest import Corrupt, hexadecimal, short
from shellplay.image.limits import megabytes
from shellplay.image.manifest import INDEXES, MANIFESTS, Descriptor, Image, this_platform
from shellplay.image.reference import familiar, parse
from shellplay.image.store import PARTIAL, Store

if TYPE_CHECKING:
    from shellplay.image.registry import Repository

ATTEMPTS = 5
# What is smaller comes without a word.
LARGE = 100_000
# Seconds between the attempts, times the number of the attempt; and between two reports.
PAUSE = 0.5
REPORT = 2.0


def pull_image(
    store: Store, text: str, platform: str | None = None
) -> Generator[str, None, Image]:
    """Pull the image that a reference names, for a platform, unpack and return it.

    Yields sentences about how far it is.  What a broken connection has brought stays for
    the next attempt.  Raises UsageError, Refused, Corrupt or Broken, and then the
    images of the store are as they were.
    """
    reference = parse(text)
    try:
        from shellplay.image.registry import Repository
    except ImportError as error:
        raise Refused(
            f"image pull needs the library {error.name}", "pip install 'shellplay[pull]'"
        ) from error
    name = familiar(str(reference))
    with Repository(reference, store.limits) as repository, store.changing():
        of, data = repository.manifest(reference.wanted)
        yield f"{name}: {of.digest}"
        store.add(io.BytesIO(data), of)
        download = Download(store, repository)
        manifest = yield from gather(store, download.fetch, of, platform or this_platform())
        return (yield from finish(store, str(reference), manifest))


class Download:
    """Brings blobs from a repository into the store, and goes on where it broke off."""

    def __init__(self, store: Store, repository: Repository) -> None:
        self._store = store
        self._repository = repository

    def fetch(self, of: Descriptor) -> Iterator[str]:
        """Bring one blob, unless it is there; say how far it is."""
        if self._store.has(of):
            return
        if of.media_type in (*MANIFESTS, *INDEXES):
            _, data = self._repository.manifest(of.digest)
            self._store.add(io.BytesIO(data), of)
            return
        path = self._store.coming / f"{hexadecimal(of.digest)}{PARTIAL}"
        with self._opened(path) as fd:
            if self._store.has(of):
                return
            if of.size >= LARGE:
                yield f"{short(of.digest)}: {megabytes(of.size)}"
            yield from self._complete(fd, of)
            try:
                self._store.adopt(path, of)
            except Corrupt:
                path.unlink()
                raise

    def _complete(self, fd: int, of: Descriptor) -> Iterator[str]:
        attempt = 1
        while (there := os.fstat(fd).st_size) < of.size:
            try:
                yield from self._go_on(fd, of, there)
                if os.fstat(fd).st_size < of.size:
                    raise Broken("the connection ended too early")
            except Broken as error:
                came = os.fstat(fd).st_size
                attempt = 1 if came > there else attempt + 1
                if attempt > ATTEMPTS:
                    raise Broken(
                        error.message, "image pull goes on where it stopped"
                    ) from error
                yield f"{short(of.digest)}: {error.message}; going on at {megabytes(came)}"
                time.sleep(PAUSE * attempt)

    def _go_on(self, fd: int, of: Descriptor, there: int) -> Iterator[str]:
        reported = time.monotonic()
        with self._repository.blob(of, there) as (start, pieces):
            with self._store.writing():
                os.ftruncate(fd, start)
            for piece in pieces:
                with self._store.writing():
                    left = memoryview(piece)
                    while left:
                        left = left[os.write(fd, left) :]
                start += len(piece)
                if time.monotonic() - reported >= REPORT:
                    reported = time.monotonic()
                    yield f"{short(of.digest)}: {megabytes(start)} of {megabytes(of.size)}"

    @contextmanager
    def _opened(self, path: Path) -> Iterator[int]:
        """Give the file of a download that may have begun before; nobody else writes to it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            with self._store.writing():
                fd = os.open(path, flags, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                # While we waited for another process, it may have been done.
                if path.exists() and os.path.samestat(os.fstat(fd), path.stat()):
                    yield fd
                    return
            finally:
                os.close(fd)
