"""A pty of the devpts of a container, so that it has a name inside: /dev/pts/0."""

from __future__ import annotations

import fcntl
import os
import stat
import struct

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel import file_system
from shellplay.kernel.caller import Caller
from shellplay.kernel.here import HERE
from shellplay.kernel.pidfd import pidfd
from shellplay.shell.pty import TIOCGPTPEER
from shellplay.shell.terminal import Terminal

MULTIPLEXER = "/dev/pts/ptmx"
PTMX = os.makedev(5, 2)
# In asm-generic/ioctls.h, see ioctl_tty(2).
TIOCSPTLCK, TIOCGPTN = 0x40045431, 0x80045430
FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
INT = struct.Struct("i")


def replace_pty(caller: Caller, terminal: Terminal) -> str | None:
    """Replace a pty by one of the devpts that a process sees; return its path, None if none."""
    master = _open_master(caller)
    if master is None:
        return None
    fcntl.ioctl(master, TIOCSPTLCK, INT.pack(0))
    number = INT.unpack(fcntl.ioctl(master, TIOCGPTN, INT.pack(0)))[0]
    slave = fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    path = f"/dev/pts/{number}"
    modes = terminal.modes()
    terminal.replace(master, slave, path)
    terminal.set_modes(modes)
    return path


def _open_master(caller: Caller) -> int | None:
    """Open the master of a new pty as a process sees it; return our descriptor of it."""
    resolve = k.RESOLVE_NO_SYMLINKS | k.RESOLVE_NO_MAGICLINKS
    try:
        number = caller.openat2(k.AT_FDCWD, MULTIPLEXER, FLAGS, resolve)
    except KernelError:
        return None  # No devpts is mounted there, or none that makes terminals.
    try:
        with pidfd(caller.pid) as target:
            master = HERE.pidfd_getfd(target, number)
    finally:
        caller.close(number)
    if not _is_multiplexer(master):
        os.close(master)
        return None
    os.set_inheritable(master, False)
    return master


def _is_multiplexer(fd: int) -> bool:
    """Tell whether it is the ptmx of a devpts: a program may have mounted another file."""
    found = os.fstat(fd)
    is_node = stat.S_ISCHR(found.st_mode) and found.st_rdev == PTMX
    return is_node and file_system.kind_of(fd) == file_system.DEVPTS
