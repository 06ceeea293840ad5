"""Images on disk: a directory for each layer, kept under its chain ID, for overlayfs(5)."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from shellplay.image.compression import Plain
from shellplay.image.digest import Corrupt, Hashing, short
from shellplay.image.layer_writer import Layer
from shellplay.image.limits import Limited
from shellplay.image.manifest import Descriptor, Image
from shellplay.image.store import Store, hold, layer_name

# What a name in a tar, and not the disk, is to blame for.
NAMES = (
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


class Unpacked:
    """The layers of an image on disk, which stay there until this is closed.

    ``directories`` are the layers, the lowest first; none of them may be written to.
    """

    def __init__(self, directories: Sequence[Path], holds: ExitStack) -> None:
        self.directories = tuple(directories)
        self._holds = holds

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the layers: ``image rm`` may delete them now."""
        self._holds.close()


def unpack(store: Store, image: Image) -> Generator[str, None, Unpacked]:
    """Bring the layers of an image to disk as far as they are not there yet.

    Yields sentences about what could not be written; returns the layers.  Raises Corrupt
    that names the digest of the layer; nothing of that layer is left then.
    """
    with store.using(), ExitStack() as holds:
        directories: list[Path] = []
        fds: list[int] = []
        chained = zip(image.layers, image.config.diff_ids, image.config.chain_ids, strict=True)
        for layer, diff_id, chain_id in chained:
            directory = store.layers / layer_name(chain_id)
            if not directory.is_dir():
                yield from _unpack_layer(store, layer, diff_id, directory, fds)
            fds.insert(0, hold(directory))
            holds.callback(os.close, fds[0])
            directories.append(directory)
        return Unpacked(directories, holds.pop_all())


def _unpack_layer(
    store: Store, layer: Descriptor, diff_id: str, directory: Path, below: Sequence[int]
) -> Generator[str, None, None]:
    with store.writing():
        scratch = Path(tempfile.mkdtemp(dir=store.coming))
    try:
        with _blaming(layer), store.writing():
            fd = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                writer = Layer(fd, below, store.limits)
                _write(store, layer, diff_id, writer)
            finally:
                os.close(fd)
        for note in writer.notes():
            yield f"layer {short(layer.digest)}: {note}"
        try:
            scratch.rename(directory)
        except OSError as error:
            # Another process had the same layer ready first.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        if scratch.exists():
            shutil.rmtree(scratch)


def _write(store: Store, layer: Descriptor, diff_id: str, writer: Layer) -> None:
    with store.blob(layer.digest).open("rb") as file:
        plain = Hashing(Limited(Plain(file), store.limits.layer_bytes))
        writer.write(plain)
        plain.exhaust()
    if plain.digest != diff_id:
        raise Corrupt(f"its content is not {diff_id}, as the configuration says")


@contextmanager
def _blaming(layer: Descriptor) -> Generator[None, None, None]:
    try:
        yield
    except Corrupt as error:
        raise Corrupt(f"layer {layer.digest} is bad: {error.message}", error.fix) from error
    except OSError as error:
        if error.errno in NAMES:
            raise Corrupt(f"layer {layer.digest} is bad: {error.strerror}") from error
        raise
