"""The terminal of a program in the devpts of its container, as runc makes it.

So it has a name inside, /dev/pts/0, which tty(1) and ps(1) tell, and /dev/console is it, too.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel import mount, mountinfo
from shellplay.kernel.here import HERE
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.stub import Stub
from shellplay.shell.pty import TIOCGPTPEER
from shellplay.shell.terminal import Terminal

MULTIPLEXER, CONSOLE = "/dev/pts/ptmx", "/dev/console"
PTMX = os.makedev(5, 2)
# In asm-generic/ioctls.h, see ioctl_tty(2).
TIOCSPTLCK, TIOCGPTN = 0x40045431, 0x80045430
FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
INT = struct.Struct("i")


def move_inside(stub: Stub, terminal: Terminal) -> None:
    """Replace a pty that nothing is on by one of the devpts that a stub sees.

    It is the console of the container, too.  Without a devpts there nothing changes.
    """
    if (path := replace_pty(stub, terminal)) is not None:
        _bind_console(stub, path)


def replace_pty(stub: Stub, terminal: Terminal) -> str | None:
    """Replace a pty by one of the devpts that a stub sees; return its path, None if none."""
    master = _open_master(stub)
    if master is None:
        return None
    fcntl.ioctl(master, TIOCSPTLCK, INT.pack(0))
    number = INT.unpack(fcntl.ioctl(master, TIOCGPTN, INT.pack(0)))[0]
    slave = fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    path = f"/dev/pts/{number}"
    terminal.replace(master, slave, path)
    return path


def _bind_console(stub: Stub, path: str) -> None:
    if any(each.point == CONSOLE for each in mountinfo.mounts(stub.pid) or ()):
        stub.umount2(CONSOLE, k.MNT_DETACH)
    mount.mknodat(stub, CONSOLE, exist_ok=True)
    stub.mount(path, CONSOLE, None, k.MS_BIND)


def _open_master(stub: Stub) -> int | None:
    """Open the master of a new pty as a stub sees it; return our descriptor of it."""
    resolve = k.RESOLVE_NO_SYMLINKS | k.RESOLVE_NO_MAGICLINKS
    try:
        number = stub.openat2(k.AT_FDCWD, MULTIPLEXER, FLAGS, resolve)
    except KernelError:
        return None  # No devpts is mounted there, or none that makes terminals.
    try:
        with pidfd(stub.pid) as target:
            master = HERE.pidfd_getfd(target, number)
    finally:
        stub.close(number)
    found = os.fstat(master)
    if not (stat.S_ISCHR(found.st_mode) and found.st_rdev == PTMX):
        os.close(master)
        return None
    os.set_inheritable(master, False)
    return master
