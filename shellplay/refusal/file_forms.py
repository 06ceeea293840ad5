"""The harmless forms of calls that open, make, change and remove files."""

from __future__ import annotations

import errno
import os
import stat
import struct

from shellplay.kernel import constants as k
from shellplay.kernel.proc_write import status_within
from shellplay.kernel.stub import Stub
from shellplay.refusal.call import RefusedCall
from shellplay.refusal.form import Form, Step

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
QUIET = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What is written there changes nothing, or is shown only.
SINKS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx", "/dev/stdout",
         "/dev/stderr")  # fmt: skip
# The devices that do nothing when they are opened: mem, null, zero, full, random, urandom,
# kmsg, tty, ptmx, tun, fuse and kvm by their numbers, and the terminals of devpts(5).
QUIET_DEVICES = {
    *(os.makedev(1, minor) for minor in (1, 3, 5, 7, 8, 9, 11)),
    *(os.makedev(5, minor) for minor in (0, 2)),
    *(os.makedev(10, minor) for minor in (200, 229, 232)),
}
TERMINALS = range(136, 144)
# The calls that change a directory or a file by its path.
FILE_CHANGES = ("mkdir", "mkdirat", "mknod", "mknodat", "unlink", "unlinkat", "rmdir", "rename",
                "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "chmod",
                "fchmodat", "chown", "lchown", "fchownat", "truncate", "creat",
                "utimensat")  # fmt: skip
LINKING = ("link", "linkat", "symlink", "symlinkat")
OPENING = ("open", "openat", "openat2")
LOOKING = ("stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
           "readlink", "readlinkat", "chdir", "statfs")  # fmt: skip


def open_flags(call: RefusedCall) -> int:
    """Return the O_* flags of a call that opens a file."""
    if call.name == "openat2":
        how = call.arguments[2]
        return struct.unpack_from("Q", how)[0] if isinstance(how, bytes) and how else 0
    place = 1 if call.name == "open" else 2
    return int(call.arguments[place]) & 0xFFFFFFFF


def is_sink(path: str) -> bool:
    """Tell whether to write to a path changes nothing."""
    return path in SINKS or path.startswith("/dev/pts/")


def does_something(stub: Stub, path: str) -> bool:
    """Tell whether to open a file is to do something, as with a watchdog or a pipe."""
    found = status_within(stub.pid, path)
    if found is None:
        return False
    if stat.S_ISCHR(found.st_mode):
        quiet = found.st_rdev in QUIET_DEVICES or os.major(found.st_rdev) in TERMINALS
        return not quiet
    return stat.S_ISFIFO(found.st_mode)


def opening(call: RefusedCall) -> Form | None:
    """Return the harmless form of a call that opens a file: it makes and cuts none."""
    if call.path.startswith("/dev/") and call.errno == errno.ENOENT:
        return _existing(call)
    flags = open_flags(call)
    plain = flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC) | QUIET
    if not flags & os.O_CREAT:
        return Form((_open(call.path, plain),))
    if call.errno in (errno.EPERM, errno.ENOSYS):
        mode = 0o600
        bare = f"./{call.path.rpartition('/')[2]}"
        return Form((_open(bare, plain | os.O_CREAT, mode),), covered=call.path)
    return Form((_open(call.path, plain),), absent=(make_unnamed(call.path),))


def _existing(call: RefusedCall) -> Form:
    return Form((("faccessat", (k.AT_FDCWD, os.fsencode(call.path), os.F_OK), ()),))


def file_change(call: RefusedCall) -> Form:
    """Return the harmless form of a call that changes a file by its path."""
    path = changed_path(call)
    if call.errno in (errno.EPERM, errno.ENOSYS, 0):
        # The stub is in the directory, under whatever name that has by now.
        bare = os.fsencode(f"./{path.rpartition('/')[2]}")
        arguments = tuple(
            bare if each == os.fsencode(path) else each for each in call.arguments
        )
        return Form(((str(call.number), arguments, ()),), covered=path)
    # Whether the directory may be written at all: a file without a name ends with its stub.
    return Form((make_unnamed(path),))


def changed_path(call: RefusedCall) -> str:
    """Return the path that a call makes, removes or changes."""
    return call.paths[-1] if call.name in LINKING else call.path


def _open(path: str, flags: int, mode: int = 0) -> Step:
    directory, text = k.AT_FDCWD, os.fsencode(path)
    how = bytearray(struct.pack("QQQ", flags, mode, 0))
    return "openat2", (directory, text, how, len(how)), ()


def make_unnamed(path: str) -> Step:
    """Return the step that makes a file without a name in the directory of a path."""
    flags = os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC
    return _open(path.rpartition("/")[0] or "/", flags, 0o600)
