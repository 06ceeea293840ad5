"""Unpack an image: one directory for each layer, named by its chain ID, for overlayfs."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shellplay.image.compression import DecompressingReader
from shellplay.image.digest import Corrupt, HashingReader, short_digest
from shellplay.image.layer_directory import hold_layer, layer_name
from shellplay.image.layer_writer import LayerWriter
from shellplay.image.limits import LimitedReader
from shellplay.image.manifest import Descriptor, Image
from shellplay.image.store import Store

# Errors that a name in the tar causes, and not the disk.
NAME_ERRORS = (
    errno.EEXIST,
    errno.EINVAL,
    errno.EISDIR,
    errno.ELOOP,
    errno.EMLINK,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENOTEMPTY,
)


class UnpackedImage:
    """Holds the unpacked layers of an image: none is deleted until this is closed.

    ``directories`` are the layers, the lowest first; nothing may be written to them.
    """

    def __init__(self, directories: Sequence[Path], held_layers: ExitStack) -> None:
        self.directories = tuple(directories)
        self._held_layers = held_layers

    def __enter__(self) -> UnpackedImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the layers, so that ``image rm`` may delete them."""
        self._held_layers.close()


def unpack(store: Store, image: Image) -> Generator[str, None, UnpackedImage]:
    """Unpack the layers of an image that are not on disk yet; return all its layers.

    Yields sentences about files that cannot be written.  Raises Corrupt with the digest of
    the damaged layer, of which nothing is left on disk, and Refused.
    """
    with store.locked(), ExitStack() as held_layers:
        directories: list[Path] = []
        fds: list[int] = []
        layers = zip(image.layers, image.config.diff_ids, image.config.chain_ids, strict=True)
        for layer, diff_id, chain_id in layers:
            directory = store.layers / layer_name(chain_id)
            if not directory.is_dir():
                yield from _unpack_layer(store, layer, diff_id, directory, fds)
            fds.insert(0, hold_layer(directory))
            held_layers.callback(os.close, fds[0])
            directories.append(directory)
        return UnpackedImage(directories, held_layers.pop_all())


def _unpack_layer(
    store: Store, layer: Descriptor, diff_id: str, directory: Path, lowers: Sequence[int]
) -> Generator[str, None, None]:
    with store.disk_errors():
        scratch = Path(tempfile.mkdtemp(dir=store.incoming))
    try:
        with _error_with_digest(layer), store.disk_errors():
            fd = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                writer = LayerWriter(fd, lowers, store.limits)
                _write(store, layer, diff_id, writer)
            finally:
                os.close(fd)
        for note in writer.notes():
            yield f"layer {short_digest(layer.digest)}: {note}"
        try:
            scratch.rename(directory)
        except OSError as error:
            # rename(2) fails if another process has unpacked the same layer meanwhile.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        if scratch.exists():
            shutil.rmtree(scratch)


def _write(store: Store, layer: Descriptor, diff_id: str, writer: LayerWriter) -> None:
    with store.blob_path(layer.digest).open("rb") as file:
        content = HashingReader(
            LimitedReader(DecompressingReader(file), store.limits.layer_bytes)
        )
        writer.write(content)
        content.read_to_end()
    if content.digest != diff_id:
        raise Corrupt(f"its content is not {diff_id}, as the configuration says")


@contextmanager
def _error_with_digest(layer: Descriptor) -> Generator[None, None, None]:
    try:
        yield
    except Corrupt as error:
        raise Corrupt(f"layer {layer.digest} is bad: {error.message}", error.fix) from error
    except OSError as error:
        if error.errno in NAME_ERRORS:
            raise Corrupt(f"layer {layer.digest} is bad: {error.strerror}") from error
        raise
