"""The volumes of a user, in the XDG data directory.

    volumes/NAME/data           what a container sees
    volumes/NAME/volume.json    labels, and whether it has no name of its own
    volumes/NAME/lock           flock(2): shared by containers that have it, exclusive to remove

Only the user may enter ``volumes``: a set-user-ID program that a container writes there is out
of reach for others.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from shellplay.directories import base_directory
from shellplay.errors import Refused
from shellplay.model import Value
from shellplay.nearest import did_you_mean
from shellplay.volume.name import NAME, check_name
from shellplay.volume.removal import remove_tree

MAKING, REMOVED = ".making-", ".removed-"
DATA, RECORD, LOCK, COPYING = "data", "volume.json", "lock", "copying"
LARGEST_RECORD = 1 << 20


class Volume(Value):
    """One volume; ``path`` is the directory that containers see.

    ``bound`` is true for one without a name of its own that ends with its container.
    ``created`` is in seconds since the epoch.
    """

    name: str
    path: Path
    labels: Mapping[str, str]
    anonymous: bool
    bound: bool
    created: float


class VolumeStore:
    """The volumes in a directory, that of the user if None."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _default_path()

    # -- reading -------------------------------------------------------------------------

    def volumes(self) -> list[Volume]:
        """Return all volumes by name."""
        try:
            names = sorted(each.name for each in self.path.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Refused(f"{self.path} cannot be read: {error.strerror}") from error
        found = (self._find(name) for name in names if NAME.fullmatch(name))
        return [each for each in found if each is not None]

    def get(self, name: str) -> Volume:
        """Return a volume; raises Refused if there is none of that name."""
        check_name(name)
        found = self._find(name)
        if found is None:
            names = [each.name for each in self.volumes()]
            raise Refused(
                f"there is no volume {name!r}",
                did_you_mean(name, names, "volume ls lists them"),
            )
        return found

    def is_used(self, volume: Volume) -> bool:
        """Tell whether a container has a volume, also one of another playground."""
        try:
            with self._locked(volume.name, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True

    def _find(self, name: str) -> Volume | None:
        path = self.path / name
        try:
            with (path / RECORD).open("rb") as file:
                record = json.loads(file.read(LARGEST_RECORD))
            return Volume(
                name,
                path / DATA,
                {str(key): str(value) for key, value in record["labels"].items()},
                bool(record["anonymous"]),
                bool(record["bound"]),
                float(record["created"]),
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
            raise Refused(
                f"the record of the volume {name} cannot be read: {error}", f"rm -r {path}"
            ) from error

    # -- making --------------------------------------------------------------------------

    def create(self, name: str, labels: Mapping[str, str] | None = None) -> Volume:
        """Make a volume, unless it is there already; raises UsageError and Refused."""
        check_name(name)
        return self._find(name) or self._make(name, labels or {}, anonymous=False)

    def create_anonymous(self) -> Volume:
        """Make a volume that ends with its container; raises Refused."""
        self._sweep()
        return self._make(os.urandom(32).hex(), {}, anonymous=True)

    def unbind(self, name: str) -> None:
        """Have an anonymous volume stay after the end of its container."""
        volume = self._find(name)
        if volume is not None:
            with _disk_errors(self.path):
                self._write_record(self.path / name, volume.changed(bound=False))

    def _make(self, name: str, labels: Mapping[str, str], *, anonymous: bool) -> Volume:
        self._make_store()
        made = self.path / f"{MAKING}{os.urandom(8).hex()}"
        volume = Volume(
            name, self.path / name / DATA, labels, anonymous, anonymous, time.time()
        )
        with _disk_errors(self.path):
            made.mkdir(0o700)
            (made / DATA).mkdir()
            (made / DATA).chmod(0o755)
            for each in (LOCK, COPYING):
                (made / each).touch(0o600)
            self._write_record(made, volume)
            try:
                made.rename(self.path / name)
            except OSError:
                # Another process was first.
                remove_tree(made)
                if (found := self._find(name)) is None:
                    raise
                return found
        return volume

    @staticmethod
    def _write_record(directory: Path, volume: Volume) -> None:
        record = {
            "labels": dict(volume.labels),
            "anonymous": volume.anonymous,
            "bound": volume.bound,
            "created": volume.created,
        }
        fresh = directory / f"{RECORD}.new"
        fresh.write_text(json.dumps(record))
        fresh.rename(directory / RECORD)

    def _make_store(self) -> None:
        with _disk_errors(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.path.stat()
        if found.st_uid != os.geteuid():
            raise Refused(
                f"{self.path} belongs to uid {found.st_uid}",
                "set XDG_DATA_HOME to a directory of yours",
            )
        if found.st_mode & 0o077:
            self.path.chmod(0o700)

    # -- using and removing --------------------------------------------------------------

    def hold(self, volume: Volume) -> int:
        """Keep a volume from being removed until the returned descriptor is closed.

        Raises Refused if it is being removed.
        """
        try:
            return self._lock(volume.name, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(f"the volume {volume.name} is being removed") from error

    @contextmanager
    def copying(self, volume: Volume) -> Iterator[None]:
        """Be the only one that copies files into a new volume, for the block."""
        fd = os.open(self.path / volume.name / COPYING, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def remove(self, name: str) -> None:
        """Remove a volume with its files; raises Refused if a container has it."""
        volume = self.get(name)
        try:
            with self._locked(name, fcntl.LOCK_EX | fcntl.LOCK_NB):
                gone = self.path / f"{REMOVED}{os.urandom(8).hex()}"
                (self.path / name).rename(gone)
        except BlockingIOError as error:
            raise Refused(
                f"a container has the volume {volume.name}", "rm it, first (containers)"
            ) from error
        remove_tree(gone)

    def end(self, name: str) -> None:
        """Remove a volume that ends with its containers, if this was the last of them."""
        volume = self._find(name)
        if volume is None or not volume.bound:
            return
        # Another container has it; or a file cannot be removed, which the next sweep tries.
        with suppress(Refused):
            self.remove(name)

    def _sweep(self) -> None:
        """Remove what a playground that was killed has left."""
        for volume in self.volumes():
            self.end(volume.name)
        for path in self.path.glob(f"{REMOVED}*"):
            remove_tree(path)

    @contextmanager
    def _locked(self, name: str, operation: int) -> Iterator[None]:
        fd = self._lock(name, operation)
        try:
            yield
        finally:
            os.close(fd)

    def _lock(self, name: str, operation: int) -> int:
        path = self.path / name / LOCK
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise Refused(f"there is no volume {name!r} any more") from error
        try:
            fcntl.flock(fd, operation)
            if not path.exists() or not os.path.samestat(os.fstat(fd), path.stat()):
                raise Refused(f"there is no volume {name!r} any more")
        except BaseException:
            os.close(fd)
            raise
        return fd


def _default_path() -> Path:
    base = base_directory("XDG_DATA_HOME", ".local/share")
    if base is None:
        raise Refused("there is no home directory for volumes", "set XDG_DATA_HOME")
    return Path(base) / "volumes"


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Raise Refused if the disk is full or may not be written."""
    try:
        yield
    except OSError as error:
        raise Refused(
            f"volumes cannot be written to {path}: {error.strerror}",
            "set XDG_DATA_HOME to a directory that you may write to",
        ) from error
