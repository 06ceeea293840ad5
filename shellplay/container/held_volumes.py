"""The volumes that a container has: named, without a name, or those of another container."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shellplay.container.spec import VolumeSpec
from shellplay.container.state import ContainerState

if TYPE_CHECKING:
    from shellplay.volume.store import VolumeStore


class HeldVolumes:
    """The volumes of one container; as long as they are held, nobody removes them.

    It is made before the container starts, and writes to its state what is mounted.  Raises
    Refused and UsageError.
    """

    def __init__(self, state: ContainerState) -> None:
        self._opened: VolumeStore | None = None
        self._held: dict[str, int] = {}
        self._own: list[str] = []
        assert state.spec is not None
        given = [each for each in state.spec.volumes if not each.of_image]
        taken = {each.target for each in given}
        for name, read_only in state.spec.volumes_from:
            for each in state.find_peer(name).volumes:
                if each.target not in taken and not each.device:
                    taken.add(each.target)
                    given.append(each.changed(read_only=read_only or each.read_only))
        given += [
            each for each in state.spec.volumes if each.of_image and each.target not in taken
        ]
        try:
            found = [each if each.volume is None else self._take(each) for each in given]
        except BaseException:
            self.close()
            raise
        state.volumes = tuple(sorted(found, key=lambda each: each.target))

    @property
    def _store(self) -> VolumeStore:
        # Loaded here: few containers have a volume of the store.
        from shellplay.volume.store import VolumeStore

        self._opened = self._opened or VolumeStore()
        return self._opened

    def _take(self, spec: VolumeSpec) -> VolumeSpec:
        if spec.volume:
            volume = self._store.create(spec.volume, spec.labels)
        else:
            volume = self._store.create_anonymous()
            self._own.append(volume.name)
        if volume.name not in self._held:
            self._held[volume.name] = self._store.hold(volume)
        return spec.changed(volume=volume.name, source=volume.path)

    def fill(self, spec: VolumeSpec, pid: int) -> None:
        """Copy the files at the target of an empty volume to it, as a process sees them."""
        from shellplay.volume.copy_up import copy_up

        if spec.copied and spec.volume:
            copy_up(self._store, self._store.get(spec.volume), pid, spec.target)

    def close(self, *, keep: bool = False) -> None:
        """Let go of the volumes.

        Those without a name end with the last container that has them, unless its own are to
        be kept.
        """
        for name in self._own if keep else ():
            self._store.unbind(name)
        self._own.clear()
        while self._held:
            name, fd = self._held.popitem()
            os.close(fd)
            self._store.end(name)
