"""The local store: an OCI image layout in the data directory of the user.

    images/oci-layout, index.json, blobs/sha256/HEX    see image-spec, image-layout.md
    images/layers/HEX      unpacked layers, by chain ID (see shellplay.image.unpack)
    images/coming/         incoming files, which are renamed when they are complete

Several processes may use one store.  A process that reads or adds holds a shared flock(2); a
process that deletes holds it exclusively.  A file never changes after it was renamed.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from shellplay.errors import Refused, UsageError
from shellplay.image.digest import (
    CHUNK,
    Corrupt,
    HashingReader,
    Readable,
    digest_of,
    hexadecimal,
)
from shellplay.image.garbage import sweep_blobs, sweep_incoming, sweep_layers
from shellplay.image.limits import Limits
from shellplay.image.manifest import (
    REF_NAME,
    Descriptor,
    Image,
    load_object,
    read_config_descriptor,
    read_descriptors,
    read_image,
)
from shellplay.image.reference import familiar, parse
from shellplay.nearest import did_you_mean

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'

FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN_ERRNOS = (errno.EROFS, errno.EACCES, errno.EPERM)
# The manifest of each image, by its full name.
Index = dict[str, Descriptor]


def store_path() -> Path:
    """Return the directory of the store in XDG_DATA_HOME (XDG base directory specification)."""
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "shellplay" / "images"


class Store:
    """The images of a user; ``path`` is ``store_path()`` and ``limits`` the default if None."""

    def __init__(self, path: Path | None = None, limits: Limits | None = None) -> None:
        self.path = path or store_path()
        self.limits = limits or Limits()
        self.blobs = self.path / "blobs" / "sha256"
        self.layers = self.path / "layers"
        self.incoming = self.path / "coming"

    # -- reading ------------------------------------------------------------------------

    def manifests(self) -> Index:
        """Return the manifest of each image by its full name; raises Refused or Corrupt."""
        try:
            data = (self.path / "index.json").read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Refused(
                f"{self.path} cannot be read: {error.strerror}",
                "set XDG_DATA_HOME to a directory of yours",
            ) from error
        subject = f"{self.path}/index.json"
        entries = read_descriptors(load_object(data, subject), "manifests", subject)
        return {
            entry.annotations.get(REF_NAME, entry.digest): replace(entry, annotations={})
            for entry in entries
        }

    def images(self) -> list[Image]:
        """Return all images in the order of their names; raises Refused or Corrupt."""
        manifests = sorted(self.manifests().items())
        return [self._image_with_fix(name, descriptor) for name, descriptor in manifests]

    def read_image(self, name: str, descriptor: Descriptor) -> Image:
        """Read the image of a manifest whose blobs are in the store; raises Corrupt."""
        try:
            manifest = self.read_document(descriptor)
            config = self.read_document(read_config_descriptor(manifest, descriptor))
            return read_image(name, descriptor, manifest, config, self.limits)
        except Corrupt as error:
            raise Corrupt(f"{name}: {error.message}", error.fix) from error

    def find(self, word: str) -> tuple[str, Descriptor]:
        """Find an image by its name or the beginning of its ID; return full name and manifest.

        Raises Refused if there is no such image or several, and UsageError if the word can be
        neither a name nor an ID.
        """
        manifests = self.manifests()
        digits = word.removeprefix("sha256:")
        try:
            name = str(parse(word))
            if name in manifests:
                return name, manifests[name]
        except UsageError:
            if not re.fullmatch("[0-9a-f]{4,64}", digits):
                raise
        if re.fullmatch("[0-9a-f]{4,64}", digits):
            matches = [
                image for image in self.images() if hexadecimal(image.id).startswith(digits)
            ]
            if len({image.id for image in matches}) > 1:
                raise Refused(f"the IDs of several images begin with {word}", "type more of it")
            if matches:
                return matches[0].name, matches[0].descriptor
        fix = did_you_mean(word, map(familiar, manifests), "image ls lists them")
        raise Refused(f"there is no image {word}", fix)

    def get(self, word: str) -> Image:
        """Find and read an image, as ``find`` does; raises Corrupt, too."""
        return self._image_with_fix(*self.find(word))

    def blob_path(self, digest: str) -> Path:
        """Return the path of a blob, which need not exist; raises Corrupt for a bad digest."""
        return self.blobs / hexadecimal(digest)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Tell whether the store has a blob with that digest as its name, and of that size."""
        try:
            return self.blob_path(descriptor.digest).stat().st_size == descriptor.size
        except FileNotFoundError:
            return False

    def read_document(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a small blob, and check its digest; raises Corrupt."""
        try:
            with self.blob_path(descriptor.digest).open("rb") as file:
                data = file.read(self.limits.document_bytes + 1)
        except FileNotFoundError:
            raise Corrupt(f"{descriptor.digest} is missing") from None
        if digest_of(data) != descriptor.digest:
            raise Corrupt(f"{descriptor.digest} is damaged, or too long")
        return data

    # -- locks --------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the shared lock: nothing is deleted within the block; raises Refused."""
        with self.disk_errors():
            self._make_directories()
        with self._flock("lock", fcntl.LOCK_SH):
            with self.disk_errors():
                self._create_index()
            yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the shared lock; if the block fails, delete the files that it has added."""
        try:
            with self.locked():
                yield
        except BaseException:
            # If the deletion is refused too, the first error is the one to report.
            with suppress(Refused):
                if self.path.is_dir():
                    self.collect_garbage()
            raise

    @contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Raise Refused if the block fails because the disk is full or may not be written."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL_ERRNOS:
                raise Refused(
                    f"there is no space left for images in {self.path}",
                    "image rm some, or set XDG_DATA_HOME to a directory on a larger disk",
                ) from error
            if error.errno in FORBIDDEN_ERRNOS:
                raise Refused(
                    f"images cannot be written to {self.path}: {error.strerror}",
                    "set XDG_DATA_HOME to a directory that you may write to",
                ) from error
            raise

    # -- writing ------------------------------------------------------------------------

    def add(self, source: Readable, descriptor: Descriptor | None = None) -> Descriptor:
        """Add the bytes of a source as a blob; return its descriptor.

        Raises Corrupt if the bytes do not match ``descriptor`` (None: any bytes), and Refused.
        """
        hashed = HashingReader(source)
        with self.scratch() as file:
            while data := hashed.read(CHUNK):
                with self.disk_errors():
                    file.write(data)
                if descriptor is not None and hashed.size > descriptor.size:
                    break
            with self.disk_errors():
                file.flush()
            return self._adopt(Path(file.name), hashed, descriptor)

    def adopt(self, path: Path, descriptor: Descriptor | None = None) -> Descriptor:
        """Make a file of the store's file system a blob, by rename(2); return its descriptor.

        Raises Corrupt if the file does not match ``descriptor`` (None: any file), and Refused.
        """
        with path.open("rb") as file:
            hashed = HashingReader(file)
            hashed.read_to_end()
        return self._adopt(path, hashed, descriptor)

    def add_document(self, data: bytes, media_type: str) -> Descriptor:
        """Add the bytes of a JSON document as a blob; return its descriptor; raises Refused."""
        return replace(self.add(io.BytesIO(data)), media_type=media_type)

    @contextmanager
    def scratch(self) -> Iterator[IO[bytes]]:
        """Give a new file in ``incoming``; unless the block renames it, it is deleted."""
        with self.disk_errors():
            file = tempfile.NamedTemporaryFile(dir=self.incoming, delete=False)  # noqa: SIM115
        try:
            yield file
        finally:
            with suppress(FileNotFoundError):
                Path(file.name).unlink()
            # close(2) flushes the buffer, and fails again if the disk is full.
            with suppress(OSError):
                file.close()

    def set_name(self, name: str, descriptor: Descriptor) -> None:
        """Give a manifest a name; another image with that name loses it."""
        self._change_index(lambda manifests: {**manifests, name: descriptor})

    def remove_name(self, name: str) -> None:
        """Remove a name; ``collect_garbage`` deletes the files that no other image needs."""
        self._change_index(
            lambda manifests: {key: manifests[key] for key in manifests if key != name}
        )

    def collect_garbage(self) -> bool:
        """Delete the files that no image needs; return False if another process uses the store.

        Raises Refused or Corrupt.
        """
        try:
            with self._flock("lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                images = self.images()
                sweep_blobs(self.blobs, images)
                sweep_incoming(self.incoming)
                sweep_layers(self.layers, self.incoming, images)
        except BlockingIOError:
            return False
        return True

    def _image_with_fix(self, name: str, descriptor: Descriptor) -> Image:
        try:
            return self.read_image(name, descriptor)
        except Corrupt as error:
            raise Corrupt(error.message, f"image rm {familiar(name)}") from error

    def _make_directories(self) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(
                f"{self.path} cannot be made: {error.strerror}",
                "set XDG_DATA_HOME to a directory of yours",
            ) from error
        # The owner of the store can change images, and so the programs that root would run.
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise Refused(
                f"{self.path} belongs to uid {owner}",
                "set XDG_DATA_HOME to a directory of yours",
            )
        for directory in (self.blobs, self.layers, self.incoming):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _create_index(self) -> None:
        layout = self.path / "oci-layout"
        if not layout.exists():
            self._replace(layout, LAYOUT)
        if not (self.path / "index.json").exists():
            self._change_index(lambda manifests: manifests)

    @contextmanager
    def _flock(self, name: str, operation: int) -> Iterator[None]:
        with self.disk_errors():
            fd = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, operation)
            yield
        finally:
            os.close(fd)

    def _adopt(
        self, path: Path, hashed: HashingReader, expected: Descriptor | None
    ) -> Descriptor:
        found = Descriptor("", hashed.digest, hashed.size)
        if expected is not None and (found.digest, found.size) != (
            expected.digest,
            expected.size,
        ):
            raise Corrupt(f"{expected.digest} is damaged: its content is something else")
        with self.disk_errors():
            path.rename(self.blob_path(found.digest))
        return expected or found

    def _change_index(self, change: Callable[[Index], Index]) -> None:
        # Both locks: the new index is a file in ``incoming``, where collect_garbage() deletes.
        with self._flock("lock", fcntl.LOCK_SH), self._flock("index.lock", fcntl.LOCK_EX):
            manifests = change(self.manifests())
            entries = [
                replace(descriptor, annotations={REF_NAME: name}).as_json()
                for name, descriptor in manifests.items()
            ]
            data = json.dumps({"schemaVersion": 2, "manifests": entries}, indent=1)
            self._replace(self.path / "index.json", data.encode())

    def _replace(self, path: Path, data: bytes) -> None:
        with self.scratch() as file, self.disk_errors():
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).rename(path)
