"""What attackers bring with them: small programs that run inside, and what they attack.

None of it needs a compiler: they are scripts of Python or bash, and one program of 150 bytes
that is written here by hand.  They attack copies of interpreters, never those of the host.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

BIT = 0o4000
ELF, PROGRAM_HEADER = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
# chmod("/proc/self/exe", 04755); exit(0): with the path behind the code.
X86_64 = bytes.fromhex("b85a000000488d3d10000000beed0900000f05b83c00000031ff0f05")
# deadline = time() + seconds; do { setsid(); if (time() > deadline) break; } while (!fork());
# exit(0): each process forks the next one and ends, so the PID changes all the time.
FORKS = (
    "b8c900000031ff0f054c8d60{seconds:02x}{setsid}"
    "b8c900000031ff0f054c39e07f0bb8390000000f0585c074{back:02x}"
)
EXITS, SETSID = "b83c00000031ff0f05", "b8700000000f05"
SMALL = 1 << 16
TERMINAL_INJECTION = "/proc/sys/dev/tty/legacy_tiocsti"


def hole(reason: str, *, when: bool = True) -> pytest.MarkDecorator:
    """Mark a test that an attack wins today; the sentence names the hole."""
    return pytest.mark.xfail(when, strict=True, raises=AssertionError, reason=reason)


def changer() -> bytes:
    """Return a program that makes its own /proc/self/exe set-user-ID: an image's ld.so.

    The kernel starts it in the place of the dynamic linker, so that file is the interpreter
    which the kernel has been asked to execute.
    """
    if platform.machine() != "x86_64":
        pytest.skip("the program is written for x86_64")
    return _elf(X86_64 + b"/proc/self/exe\0")


def forker(path: Path, *, sessions: bool, seconds: int = 5) -> Path:
    """Write a program that forks its successor and ends, some 20,000 times a second.

    Each is in a session of its own with ``sessions``.  The last one ends by itself after so
    many ``seconds``.
    """
    if platform.machine() != "x86_64":
        pytest.skip("the program is written for x86_64")
    setsid = SETSID if sessions else ""
    back = 0x100 - (25 + len(setsid) // 2)
    code = bytes.fromhex(FORKS.format(seconds=seconds, setsid=setsid, back=back) + EXITS)
    path.write_bytes(_elf(code))
    path.chmod(0o755)
    return path


def _elf(code: bytes) -> bytes:
    """Return an executable of some machine code."""
    offset = ELF.size + PROGRAM_HEADER.size
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    size = offset + len(code)
    header = ELF.pack(
        ident, 3, 62, 1, offset, ELF.size, 0, 0, ELF.size, PROGRAM_HEADER.size, 1, 0, 0, 0
    )
    return header + PROGRAM_HEADER.pack(1, 5, 0, 0, 0, size, size, 4096) + code


@dataclass(frozen=True, slots=True)
class Interpreters:
    """Copies of the host's Python and bash, which an attack may change."""

    python: Path
    bash: Path
    made: tuple[tuple[object, ...], ...]

    def changed(self) -> list[str]:
        """Return the names of the copies that are not as they were made."""
        copies = zip((self.python, self.bash), self.made, strict=True)
        return [each.name for each, made in copies if about(each) != made]


def about(path: Path) -> tuple[object, ...]:
    """Return what an attack could change of a file, and the time of the last change."""
    found = path.stat()
    return found.st_mode, found.st_uid, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def copied_interpreters(directory: Path) -> Interpreters:
    """Copy the interpreters to a directory of a test, as ``python -m venv --copies`` does."""
    words = [sys.executable, "-m", "venv", "--copies", "--without-pip", str(directory)]
    subprocess.run(words, check=True)
    bash = directory / "bin" / "bash"
    shutil.copy(shutil.which("bash") or "/bin/bash", bash)
    copies = (directory / "bin" / "python", bash)
    for each in copies:
        each.chmod(0o755)
    return Interpreters(*copies, made=tuple(map(about, copies)))


def script(path: Path, text: str, *, interpreter: str | None = None) -> Path:
    """Write a script that anybody may run."""
    path.write_text(f"#!{interpreter or sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def injector(path: Path, keys: str, *, after: Path | None = None) -> Path:
    """Write a script that types keys into its terminal (TIOCSTI), once a file is there.

    Waiting it has left its parent: it is an orphan, of the same terminal and session.
    """
    waiting = (
        f"""
if os.fork(): os._exit(0)
open({str(after.with_suffix(".ready"))!r}, "w")
while not os.path.exists({str(after)!r}): time.sleep(0.005)
"""
        if after
        else ""
    )
    return script(
        path,
        f"""
import fcntl, os, signal, termios, time
terminal = os.open("/dev/tty", os.O_RDWR)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
{waiting}
for each in {keys!r}:
    fcntl.ioctl(terminal, termios.TIOCSTI, each.encode())
""",
    )


def needs_injection() -> None:
    """Skip a test of typed keys where the kernel lets nobody type them."""
    setting = Path(TERMINAL_INJECTION)
    if setting.exists() and setting.read_text().strip() == "0" and os.geteuid() != 0:
        pytest.skip("dev.tty.legacy_tiocsti is 0: nobody types into a terminal")


def line(*words: object) -> str:
    """Return words as one line of a shell."""
    return shlex.join(map(str, words))


def digest(paths: list[Path]) -> str:
    """Return a digest of what could be changed of files: content, mode, owner, attributes."""
    found = hashlib.sha256()
    for path in paths:
        about = path.lstat()
        found.update(repr((str(path), about.st_mode, about.st_uid, about.st_gid)).encode())
        found.update(repr(os.listxattr(path, follow_symlinks=False)).encode())
        # Each change of a file sets its time of change, and no program can set that.  A file of
        # /proc has no such time, but it is small.
        if about.st_size > SMALL:
            found.update(repr((about.st_size, about.st_ctime_ns)).encode())
        elif path.is_file() and os.access(path, os.R_OK):
            found.update(path.read_bytes())
    return found.hexdigest()
