"""The metadata of a file: mode, owner, modification time and extended attributes (inode(7))."""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from shellplay.image.digest import Corrupt
from shellplay.image.tar_reader import MAX_ID

PAX_XATTR = "SCHILY.xattr."
MAX_TIME = 1 << 40
# overlayfs stores its own state in these attributes; ``redirect`` would lead out of a layer.
OVERLAY_XATTRS = ("trusted.overlay.", "user.overlay.")
# A file system has room for a few attributes of a file, however much of the disk is free.
_TOO_LARGE = (errno.E2BIG, errno.ENAMETOOLONG, errno.ENOSPC, errno.ERANGE)
_UNSUPPORTED = (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Mode bits, numeric owner, modification time in nanoseconds, extended attributes."""

    mode: int
    uid: int
    gid: int
    mtime: int
    xattrs: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of_member(cls, member: tarfile.TarInfo) -> Metadata:
        """Read the metadata of a tar entry; raises Corrupt for an impossible owner."""
        if not (0 <= member.uid <= MAX_ID and 0 <= member.gid <= MAX_ID):
            raise Corrupt(f"it has an owner that cannot be: {member.uid}:{member.gid}")
        mtime = member.mtime if -MAX_TIME < member.mtime < MAX_TIME else 0
        xattrs = {
            key.removeprefix(PAX_XATTR): value.encode("utf-8", "surrogateescape")
            for key, value in member.pax_headers.items()
            if key.startswith(PAX_XATTR)
        }
        nanoseconds = int(mtime * 1_000_000_000)
        return cls(member.mode & 0o7777, member.uid, member.gid, nanoseconds, xattrs)

    @classmethod
    def of_file(cls, fd: int) -> Metadata:
        """Read the metadata of an open file by fstat(2)."""
        status = os.fstat(fd)
        mode = stat.S_IMODE(status.st_mode)
        return cls(mode, status.st_uid, status.st_gid, status.st_mtime_ns, xattrs_of(fd))

    def apply_to(self, fd: int) -> set[str]:
        """Set the metadata of an open file; return the attributes that the file system refuses.

        Only root may change the owner.  So the files of an ordinary user keep that user as
        their owner, and this user can always read them.
        """
        refused = set()
        mode = self.mode
        if os.geteuid() == 0:
            os.fchown(fd, self.uid, self.gid)
        else:
            is_directory = stat.S_ISDIR(os.fstat(fd).st_mode)
            mode |= 0o700 if is_directory else 0o600
        # After fchown(2), which clears the set-user-ID bit and the file capabilities.
        os.fchmod(fd, mode)
        for name, value in self.xattrs.items():
            if name.startswith(OVERLAY_XATTRS):
                continue
            if "\0" in name:
                raise Corrupt(f"it has an attribute with a NUL in its name: {name[:80]!r}")
            try:
                os.setxattr(fd, name, value)
            except OSError as error:
                if error.errno not in (*_UNSUPPORTED, *_TOO_LARGE):
                    raise
                refused.add(name)
        os.utime(fd, ns=(self.mtime, self.mtime))
        return refused

    def apply_to_name(self, name: str, directory: int) -> None:
        """Set mode, owner and time of a symbolic link, device or FIFO without open(2)."""
        is_link = stat.S_ISLNK(os.lstat(name, dir_fd=directory).st_mode)
        if os.geteuid() == 0:
            os.chown(name, self.uid, self.gid, dir_fd=directory, follow_symlinks=False)
        if not is_link:
            os.chmod(name, self.mode, dir_fd=directory)
        times = (self.mtime, self.mtime)
        os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)


def xattrs_of(fd: int | str) -> dict[str, bytes]:
    """Return the ``user.`` attributes and the capabilities of a file, without overlayfs's own.

    The file is a descriptor or a path.  Returns nothing where the file system has no extended
    attributes (xattr(7)).
    """
    try:
        names = os.listxattr(fd, follow_symlinks=isinstance(fd, int))
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return {}
        raise
    xattrs = {}
    for name in names:
        # ACLs and labels hold IDs of this host, which mean nothing on another one.
        if name.startswith(("user.", "security.capability")) and not name.startswith(
            OVERLAY_XATTRS
        ):
            xattrs[name] = os.getxattr(fd, name, follow_symlinks=isinstance(fd, int))
    return xattrs
