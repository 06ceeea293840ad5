"""The lower tree of a root fence: the descriptors that are open while it is applied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shellplay.kernel import namespaces

if TYPE_CHECKING:
    from shellplay.image.manifest import Image


class LowerTree:
    """The lower directories of a root, the lowest first, and descriptors of this process.

    ``notes`` are sentences about what may surprise.  ``apart`` is None if the tree is one
    overlay; if each directory in / is one, it has the names there that are still the host's.
    ``lost_directory`` is the working directory of bash before, if it is not in the tree.
    ``held`` is closed with it.
    """

    def __init__(
        self, lowers: Sequence[Path], held: ExitStack, image: Image | None = None
    ) -> None:
        self.lowers = tuple(lowers)
        self.image = image
        self._root: int | None = None
        self._stage: int | None = None
        self.notes: list[str] = []
        self.lost_directory: str | None = None
        self.apart: frozenset[str] | None = None
        self._held = held
        self._before: int | None = None

    def leave_from(self, pid: int) -> None:
        """Hold the mount namespace of a process, as the one to go back to."""
        self._let_go(self._before)
        self._let_go(self._root)
        self._before = namespaces.open_namespace(pid, "mnt")
        self._root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    @contextmanager
    def before(self) -> Iterator[int]:
        """Give a descriptor of the mount namespace to go back to, for the block."""
        assert self._before is not None
        fd = os.dup(self._before)
        try:
            yield fd
        finally:
            os.close(fd)

    @property
    def upper(self) -> Path | None:
        """The upper directory of the overlay, which no process inside can see."""
        return None if self._stage is None else Path(f"/proc/self/fd/{self._stage}/upper")

    @property
    def below(self) -> tuple[Path, ...]:
        """The lower directories as this process can read them, with the mounts there."""
        if self.image is None and self._root is not None:
            return (Path(f"/proc/self/fd/{self._root}"),)
        return self.lowers

    def keep_stage(self, path: str) -> None:
        """Hold the parent of the upper directory."""
        self._let_go(self._stage)
        self._stage = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def forget_before(self) -> None:
        """Close the descriptors of the mount namespace to go back to."""
        self._let_go(self._before)
        self._let_go(self._root)
        self._before = self._root = None

    def close(self) -> None:
        """Close all descriptors."""
        self.forget_before()
        self._let_go(self._stage)
        self._stage = None
        self._held.close()

    @staticmethod
    def _let_go(fd: int | None) -> None:
        if fd is not None:
            os.close(fd)
