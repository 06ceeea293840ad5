"""Forwarding of the host: on while a playground has a bridge, and put back after the last.

Whoever has a bridge holds a shared flock(2) on a file that says what was there before: the
kernel lets go of it however the holder ends, so the next one to come finds what is left.
There is one for each network namespace, as the settings are.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shellplay.errors import KernelError
from shellplay.kernel.proc_write import write

PLACE = Path("/run/shellplay")
GATE = PLACE / "gate"
KEPT = "forwarding-"
SYSCTLS = Path("/proc/sys/net")
IPV4, IPV6 = "ipv4/conf/{}/forwarding", "ipv6/conf/all/forwarding"
ON = "1"


@contextmanager
def gate() -> Iterator[None]:
    """Be the only one on this machine who makes or ends a bridge, for the block."""
    with _locked(GATE, fcntl.LOCK_EX):
        try:
            yield
        finally:
            if not list(PLACE.glob(f"{KEPT}*")):
                GATE.unlink()
                with suppress(OSError):  # Somebody else has come to the gate meanwhile.
                    PLACE.rmdir()


class Forwarding:
    """Our share in it; ``start`` and ``end`` are called within the ``gate``."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._kept = PLACE / f"{KEPT}{Path('/proc/self/ns/net').stat().st_ino}"

    def start(self, names: Iterable[str]) -> None:
        """Switch settings on, given as paths below /proc/sys/net; raises KernelError."""
        self._fd = fd = os.open(
            self._kept, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        # What those have left who were killed, all of them, is ours to put back now.
        fcntl.flock(fd, fcntl.LOCK_SH)
        for name in names:
            before = _value(name)
            if before not in (None, ON):
                os.write(fd, f"{name} {before}\n".encode())
                write(SYSCTLS / name, ON)

    def end(self) -> None:
        """Put back what was there before, if nobody else needs it."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            if _alone(fd):
                put_back(fd)
                self._kept.unlink()
        finally:
            os.close(fd)


def put_back(fd: int) -> None:
    """Put back what a file says was there before, and empty it."""
    first: dict[str, str] = {}
    for line in os.pread(fd, 1 << 20, 0).decode().splitlines():
        name, _, value = line.partition(" ")
        first.setdefault(name, value)
    for name, value in first.items():
        if _value(name) is not None:  # the interface may have gone
            write(SYSCTLS / name, value)
    os.ftruncate(fd, 0)


def _alone(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _value(name: str) -> str | None:
    try:
        return (SYSCTLS / name).read_text("ascii").strip()
    except FileNotFoundError:
        return None


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    while True:
        try:
            PLACE.mkdir(mode=0o700, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # The last one has just gone, with the directory.
        except OSError as error:
            raise KernelError("open", error.errno or 0, str(path)) from error
        try:
            fcntl.flock(fd, how)
            # Whoever had it may have removed the file: then nobody else will find our lock.
            if _is(fd, path):
                yield
                return
        finally:
            os.close(fd)


def _is(fd: int, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False
