"""The harmless forms of mount(2) and umount(2).

A process with a copy of the mounts changes nothing by a mount that is new or bound.  But a
file system is not copied: its options, and whether it is read-only, are those of the host.
"""

from __future__ import annotations

import errno

from shellplay.kernel import constants as k
from shellplay.refusal.call import RefusedCall
from shellplay.refusal.form import Form

# linux/mount.h: what concerns a mount and not its file system.
MS_REMOUNT, UMOUNT_NOFOLLOW = 32, 8
OF_MOUNTS = k.MS_BIND | 8192 | 1 << 17 | k.MS_PRIVATE | k.MS_SLAVE | 1 << 20
# Each mount of these is a file system of its own.
OF_ITS_OWN = (b"tmpfs", b"ramfs", b"proc", b"sysfs", b"mqueue", b"devpts")
BEYOND = (errno.EINVAL, errno.ENODEV, errno.ENOENT, errno.ENOTBLK, errno.EBUSY)


def mounting(call: RefusedCall) -> Form:
    """Return the form of mount(2); of a file system of the host it is the check alone."""
    source, target, kind, flags, data = call.arguments
    if int(flags) & MS_REMOUNT and not int(flags) & k.MS_BIND:
        copied = False
    else:
        copied = bool(int(flags) & OF_MOUNTS) or kind in OF_ITS_OWN
    # Without a type it is refused (EINVAL) behind the check of the privilege.
    arguments = (source, target, kind, flags, data) if copied else (source, target, 0, 0, 0)
    return Form(((str(call.number), arguments, ()),), BEYOND)


def unmounting(call: RefusedCall) -> Form:
    """Return the form of umount(2), which only takes a mount out of the copy.

    Without MNT_DETACH the root would become read-only on the host, too, and MNT_FORCE ends the
    requests of all processes.
    """
    path, flags = call.arguments
    lazy = k.MNT_DETACH | int(flags) & UMOUNT_NOFOLLOW
    return Form(((str(call.number), (path, lazy), ()),), (errno.EBUSY, errno.EINVAL))
