"""The local store: an OCI image layout in the data directory of the user.

    images/oci-layout, index.json, blobs/sha256/HEX    as image-spec has it
    images/layers/HEX      layers on disk, by chain ID (see shellplay.image.unpack)
    images/coming/         what is being written; it is renamed once it is whole

Who reads or adds holds a shared lock, and only who has the lock alone deletes, so that
several processes may use one store.  Content is never changed once it has its name.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from shellplay.errors import Refused, UsageError
from shellplay.image.digest import CHUNK, Corrupt, Hashing, Readable, digest_of, hexadecimal
from shellplay.image.limits import Limits
from shellplay.image.manifest import (
    REF_NAME,
    Descriptor,
    Image,
    config_descriptor,
    descriptors,
    image,
    load,
)
from shellplay.image.reference import familiar, parse
from shellplay.nearest import did_you_mean

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
PARTIAL = ".partial"
# A download that broke off can be taken up again for so long, in seconds.
FRESH = 24 * 3600
FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
Index = dict[str, Descriptor]


def store_path() -> Path:
    """Return the place of the store, as the XDG base directory specification has it."""
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "shellplay" / "images"


class Store:
    """The images of a user; several processes may use it at once."""

    def __init__(self, path: Path | None = None, limits: Limits | None = None) -> None:
        self.path = path or store_path()
        self.limits = limits or Limits()
        self.blobs = self.path / "blobs" / "sha256"
        self.layers = self.path / "layers"
        self.coming = self.path / "coming"

    # -- reading ------------------------------------------------------------------------

    def names(self) -> Index:
        """Return the manifest of each image by its full name."""
        try:
            data = (self.path / "index.json").read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Refused(
                f"{self.path} cannot be read: {error.strerror}",
                "set XDG_DATA_HOME to a directory of yours",
            ) from error
        what = f"{self.path}/index.json"
        found = descriptors(load(data, what), "manifests", what)
        return {
            one.annotations.get(REF_NAME, one.digest): replace(one, annotations={})
            for one in found
        }

    def images(self) -> list[Image]:
        """Return all images, by name; raises Corrupt."""
        return [self._stored(name, of) for name, of in sorted(self.names().items())]

    def image(self, name: str, of: Descriptor) -> Image:
        """Return the image of a manifest that is in the store; raises Corrupt."""
        try:
            manifest = self.document(of)
            config = self.document(config_descriptor(manifest, of))
            return image(name, of, manifest, config, self.limits)
        except Corrupt as error:
            raise Corrupt(f"{name}: {error.message}", error.fix) from error

    def find(self, word: str) -> tuple[str, Descriptor]:
        """Return full name and manifest of an image by its name or the beginning of its ID.

        Raises Refused, or UsageError for what can be neither.
        """
        there = self.names()
        digits = word.removeprefix("sha256:")
        try:
            name = str(parse(word))
            if name in there:
                return name, there[name]
        except UsageError:
            if not re.fullmatch("[0-9a-f]{4,64}", digits):
                raise
        if re.fullmatch("[0-9a-f]{4,64}", digits):
            of_id = [one for one in self.images() if hexadecimal(one.id).startswith(digits)]
            if len({one.id for one in of_id}) > 1:
                raise Refused(f"the IDs of several images begin with {word}", "type more of it")
            if of_id:
                return of_id[0].name, of_id[0].descriptor
        fix = did_you_mean(word, map(familiar, there), "image ls lists them")
        raise Refused(f"there is no image {word}", fix)

    def get(self, word: str) -> Image:
        """Return an image by its name or the beginning of its ID."""
        return self._stored(*self.find(word))

    def blob(self, digest: str) -> Path:
        """Return where the content of a digest is, or would be."""
        return self.blobs / hexadecimal(digest)

    def has(self, of: Descriptor) -> bool:
        """Tell whether content is there, as far as its size tells."""
        try:
            return self.blob(of.digest).stat().st_size == of.size
        except FileNotFoundError:
            return False

    def document(self, of: Descriptor) -> bytes:
        """Return the bytes of a small blob, checked; raises Corrupt."""
        try:
            with self.blob(of.digest).open("rb") as file:
                data = file.read(self.limits.document_bytes + 1)
        except FileNotFoundError:
            raise Corrupt(f"{of.digest} is missing") from None
        if digest_of(data) != of.digest:
            raise Corrupt(f"{of.digest} is damaged, or too long")
        return data

    # -- locks --------------------------------------------------------------------------

    @contextmanager
    def using(self) -> Iterator[None]:
        """Hold the shared lock: nothing is deleted within this block."""
        with self.writing():
            self._make_directories()
        with self._locked("lock", fcntl.LOCK_SH):
            with self.writing():
                self._begin()
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Add to the store within this block; if it fails, what it added goes again."""
        try:
            with self.using():
                yield
        except BaseException:
            # That the store cannot be tidied either must not hide what went wrong here.
            with suppress(Refused):
                if self.path.is_dir():
                    self.collect()
            raise

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Say in a sentence that the disk is full or may not be written to."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise Refused(
                    f"there is no space left for images in {self.path}",
                    "image rm some, or set XDG_DATA_HOME to a directory on a larger disk",
                ) from error
            if error.errno in FORBIDDEN:
                raise Refused(
                    f"images cannot be written to {self.path}: {error.strerror}",
                    "set XDG_DATA_HOME to a directory that you may write to",
                ) from error
            raise

    # -- writing ------------------------------------------------------------------------

    def add(self, source: Readable, of: Descriptor | None = None) -> Descriptor:
        """Take content in, up to its end; return a descriptor of it.

        With a descriptor the content must be what it says, else Corrupt is raised.
        """
        hashing = Hashing(source)
        with self.scratch() as file:
            while data := hashing.read(CHUNK):
                with self.writing():
                    file.write(data)
                if of is not None and hashing.size > of.size:
                    break
            with self.writing():
                file.flush()
            return self._adopt(Path(file.name), hashing, of)

    def adopt(self, path: Path, of: Descriptor | None = None) -> Descriptor:
        """Take in a whole file of this file system, which loses its name by that.

        With a descriptor the content must be what it says, else Corrupt is raised.
        """
        with path.open("rb") as file:
            hashing = Hashing(file)
            hashing.exhaust()
        return self._adopt(path, hashing, of)

    def add_document(self, data: bytes, media_type: str) -> Descriptor:
        """Take a small blob in."""
        return replace(self.add(io.BytesIO(data)), media_type=media_type)

    @contextmanager
    def scratch(self) -> Iterator[IO[bytes]]:
        """Give a new file of the store for the block; it goes unless it was renamed."""
        with self.writing():
            file = tempfile.NamedTemporaryFile(dir=self.coming, delete=False)  # noqa: SIM115
        try:
            yield file
        finally:
            with suppress(FileNotFoundError):
                Path(file.name).unlink()
            # What could not be written is still in the buffer of the file.
            with suppress(OSError):
                file.close()

    def put(self, name: str, of: Descriptor) -> None:
        """Give a manifest a name; another image that had it loses it."""
        self._change(lambda there: {**there, name: of})

    def drop(self, name: str) -> None:
        """Take a name away; what nothing names any more goes with ``collect``."""
        self._change(lambda there: {key: there[key] for key in there if key != name})

    def collect(self) -> bool:
        """Delete what no image needs; False if another process uses the store just now."""
        try:
            with self._locked("lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                images = self.images()
                self._sweep_blobs(images)
                self._sweep_coming()
                self._sweep_layers({one for each in images for one in each.config.chain_ids})
        except BlockingIOError:
            return False
        return True

    def _stored(self, name: str, of: Descriptor) -> Image:
        try:
            return self.image(name, of)
        except Corrupt as error:
            raise Corrupt(error.message, f"image rm {familiar(name)}") from error

    def _make_directories(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whoever owns it decides what root would run: not for us to trust.
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise Refused(
                f"{self.path} belongs to uid {owner}",
                "set XDG_DATA_HOME to a directory of yours",
            )
        for directory in (self.blobs, self.layers, self.coming):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _begin(self) -> None:
        layout = self.path / "oci-layout"
        if not layout.exists():
            self._replace(layout, LAYOUT)
        if not (self.path / "index.json").exists():
            self._change(lambda there: there)

    @contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        with self.writing():
            fd = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, how)
            yield
        finally:
            os.close(fd)

    def _adopt(self, path: Path, hashing: Hashing, of: Descriptor | None) -> Descriptor:
        if of is not None and (hashing.digest, hashing.size) != (of.digest, of.size):
            raise Corrupt(f"{of.digest} is damaged: its content is something else")
        with self.writing():
            path.rename(self.blob(hashing.digest))
        return of or Descriptor("", hashing.digest, hashing.size)

    def _change(self, change: Callable[[Index], Index]) -> None:
        # The shared lock as well: the new index is written where collect() sweeps.
        with self._locked("lock", fcntl.LOCK_SH), self._locked("index.lock", fcntl.LOCK_EX):
            there = change(self.names())
            listed = [
                replace(of, annotations={REF_NAME: name}).as_json()
                for name, of in there.items()
            ]
            data = json.dumps({"schemaVersion": 2, "manifests": listed}, indent=1)
            self._replace(self.path / "index.json", data.encode())

    def _replace(self, path: Path, data: bytes) -> None:
        with self.scratch() as file, self.writing():
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).rename(path)

    def _sweep_blobs(self, images: list[Image]) -> None:
        needed = {
            one.digest
            for each in images
            for one in (each.descriptor, each.config_descriptor, *each.layers)
        }
        kept = {hexadecimal(digest) for digest in needed}
        for path in self.blobs.iterdir():
            if path.name not in kept:
                path.unlink()

    def _sweep_coming(self) -> None:
        for path in self.coming.iterdir():
            age = time.time() - path.lstat().st_mtime
            if path.suffix == PARTIAL and age < FRESH:
                continue
            _remove(path)

    def _sweep_layers(self, chain_ids: set[str]) -> None:
        kept = {layer_name(chain_id) for chain_id in chain_ids}
        for path in self.layers.iterdir():
            if path.name not in kept and not _is_held(path):
                # Renamed first: a layer that is there is whole.
                gone = self.coming / path.name
                path.rename(gone)
                _remove(gone)


def layer_name(chain_id: str) -> str:
    """Return the name of a layer's directory: short, for mount(2) takes only a page of them."""
    return hexadecimal(chain_id)[:32]


def hold(path: Path) -> int:
    """Return a descriptor of a layer's directory; while it is open, the layer stays."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def _is_held(path: Path) -> bool:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
