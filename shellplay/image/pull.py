"""``image pull``: bring an image from a registry, and check every digest.

The protocol is the OCI distribution-spec ("Pulling manifests", "Pulling blobs").
"""

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
from shellplay.image.collect import ConnectionLost, collect_image, unpack_and_name
from shellplay.image.digest import Corrupt, hexadecimal, short_digest
from shellplay.image.garbage import PARTIAL
from shellplay.image.limits import megabytes
from shellplay.image.manifest import INDEXES, MANIFESTS, Descriptor, Image, host_platform
from shellplay.image.reference import familiar, parse
from shellplay.image.store import Store

if TYPE_CHECKING:
    from shellplay.image.registry import Repository

ATTEMPTS = 5
# A smaller blob (in bytes) is not reported.
REPORTED_SIZE = 100_000
# Seconds between two attempts, multiplied by the number of the attempt.
RETRY_PAUSE = 0.5
# Seconds between two reports.
REPORT_PAUSE = 2.0


def pull_image(
    store: Store, text: str, platform: str | None = None
) -> Generator[str, None, Image]:
    """Pull the image of a reference, unpack it, and return it.

    ``platform`` is the one of this machine if None.  Yields sentences about the progress.  The
    bytes of an interrupted download stay for the next attempt.  Raises UsageError, Refused,
    Corrupt or ConnectionLost; the images of the store are then as they were before.
    """
    reference = parse(text)
    try:
        from shellplay.image.registry import Repository
    except ImportError as error:
        raise Refused(
            f"image pull needs the library {error.name}", "pip install 'shellplay[pull]'"
        ) from error
    name = familiar(str(reference))
    with Repository(reference, store.limits) as repository, store.transaction():
        descriptor, data = repository.manifest(reference.tag_or_digest)
        yield f"{name}: {descriptor.digest}"
        store.add(io.BytesIO(data), descriptor)
        download = Download(store, repository)
        manifest = yield from collect_image(
            store, download.fetch, descriptor, platform or host_platform()
        )
        return (yield from unpack_and_name(store, str(reference), manifest))


class Download:
    """Downloads blobs from a repository into the store, and resumes interrupted downloads."""

    def __init__(self, store: Store, repository: Repository) -> None:
        self._store = store
        self._repository = repository

    def fetch(self, descriptor: Descriptor) -> Iterator[str]:
        """Download one blob if the store lacks it; yield sentences about the progress.

        Raises Refused, Corrupt or ConnectionLost.
        """
        if self._store.has_blob(descriptor):
            return
        if descriptor.media_type in (*MANIFESTS, *INDEXES):
            _, data = self._repository.manifest(descriptor.digest)
            self._store.add(io.BytesIO(data), descriptor)
            return
        path = self._store.incoming / f"{hexadecimal(descriptor.digest)}{PARTIAL}"
        with self._locked_file(path) as fd:
            if self._store.has_blob(descriptor):
                return
            if descriptor.size >= REPORTED_SIZE:
                yield f"{short_digest(descriptor.digest)}: {megabytes(descriptor.size)}"
            yield from self._download(fd, descriptor)
            try:
                self._store.adopt(path, descriptor)
            except Corrupt:
                path.unlink()
                raise

    def _download(self, fd: int, descriptor: Descriptor) -> Iterator[str]:
        attempt = 1
        while (offset := os.fstat(fd).st_size) < descriptor.size:
            try:
                yield from self._resume(fd, descriptor, offset)
                if os.fstat(fd).st_size < descriptor.size:
                    raise ConnectionLost("the connection ended too early")
            except ConnectionLost as error:
                received = os.fstat(fd).st_size
                attempt = 1 if received > offset else attempt + 1
                if attempt > ATTEMPTS:
                    raise ConnectionLost(
                        error.message, "image pull goes on where it stopped"
                    ) from error
                digest = short_digest(descriptor.digest)
                yield f"{digest}: {error.message}; going on at {megabytes(received)}"
                time.sleep(RETRY_PAUSE * attempt)

    def _resume(self, fd: int, descriptor: Descriptor, offset: int) -> Iterator[str]:
        digest, size = short_digest(descriptor.digest), megabytes(descriptor.size)
        reported = time.monotonic()
        with self._repository.open_blob(descriptor, offset) as (position, chunks):
            with self._store.disk_errors():
                os.ftruncate(fd, position)
            for chunk in chunks:
                with self._store.disk_errors():
                    unwritten = memoryview(chunk)
                    while unwritten:
                        unwritten = unwritten[os.write(fd, unwritten) :]
                position += len(chunk)
                if time.monotonic() - reported >= REPORT_PAUSE:
                    reported = time.monotonic()
                    yield f"{digest}: {megabytes(position)} of {size}"

    @contextmanager
    def _locked_file(self, path: Path) -> Iterator[int]:
        """Open the file of a new or an interrupted download, and lock it with flock(2)."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            with self._store.disk_errors():
                fd = os.open(path, flags, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                # The process that had the lock may have renamed or deleted the file.
                if path.exists() and os.path.samestat(os.fstat(fd), path.stat()):
                    yield fd
                    return
            finally:
                os.close(fd)
