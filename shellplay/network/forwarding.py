"""IP forwarding of the host: on while a playground has a bridge, restored after the last one.

Each bridge process holds a shared flock(2) on a file with the old values of the sysctls.  The
kernel releases the lock when a process ends in any way, so the next bridge process can tell
that the old values are to be restored.  The sysctls belong to a network namespace, and so
there is one file for each.  See the kernel's Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shellplay.errors import KernelError
from shellplay.kernel.proc_write import write

DIRECTORY = Path("/run/shellplay")
LOCK_FILE = DIRECTORY / "gate"
PREFIX = "forwarding-"
SYSCTLS = Path("/proc/sys/net")
IPV4, IPV6 = "ipv4/conf/{}/forwarding", "ipv6/conf/all/forwarding"
ON = "1"


@contextmanager
def bridge_lock() -> Iterator[None]:
    """Hold the exclusive lock to create or remove a bridge on this machine, for the block.

    Raises KernelError.
    """
    with _locked(LOCK_FILE, fcntl.LOCK_EX):
        try:
            yield
        finally:
            if not list(DIRECTORY.glob(f"{PREFIX}*")):
                LOCK_FILE.unlink()
                with suppress(OSError):  # Another process may have created a new lock file.
                    DIRECTORY.rmdir()


class Forwarding:
    """The shared lock of this process; call ``start`` and ``end`` within ``bridge_lock``."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._state_file = DIRECTORY / f"{PREFIX}{Path('/proc/self/ns/net').stat().st_ino}"

    def start(self, names: Iterable[str]) -> None:
        """Set sysctls to 1, given as paths below /proc/sys/net; raises KernelError."""
        self._fd = fd = os.open(
            self._state_file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        # The file may have values of bridge processes that were killed: keep them.
        fcntl.flock(fd, fcntl.LOCK_SH)
        for name in names:
            value = _read_setting(name)
            if value not in (None, ON):
                os.write(fd, f"{name} {value}\n".encode())
                write(SYSCTLS / name, ON)

    def end(self) -> None:
        """Restore the old values, if no other process holds the lock; raises KernelError."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            if _is_last_holder(fd):
                _restore(fd)
                self._state_file.unlink()
        finally:
            os.close(fd)


def _restore(fd: int) -> None:
    """Restore the values in a state file, and truncate it; raises KernelError."""
    old_values: dict[str, str] = {}
    for line in os.pread(fd, 1 << 20, 0).decode().splitlines():
        name, _, value = line.partition(" ")
        old_values.setdefault(name, value)
    for name, value in old_values.items():
        if _read_setting(name) is not None:  # The interface may not exist any more.
            write(SYSCTLS / name, value)
    os.ftruncate(fd, 0)


def _is_last_holder(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_setting(name: str) -> str | None:
    try:
        return (SYSCTLS / name).read_text("ascii").strip()
    except FileNotFoundError:
        return None


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    while True:
        try:
            DIRECTORY.mkdir(mode=0o700, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # Another process has just removed the directory.
        except OSError as error:
            raise KernelError("open", error.errno or 0, str(path)) from error
        try:
            fcntl.flock(fd, operation)
            # The holder before us may have removed the file: then the lock has no effect.
            if _is_same_file(fd, path):
                yield
                return
        finally:
            os.close(fd)


def _is_same_file(fd: int, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False
