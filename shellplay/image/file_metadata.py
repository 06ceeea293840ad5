"""What a file has beside its content: mode, owner, time, extended attributes."""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from shellplay.image.digest import Corrupt
from shellplay.image.tar_reader import LARGEST_ID

XATTR = "SCHILY.xattr."
LATEST_TIME = 1 << 40
# overlayfs(5) keeps its own notes in these: ``redirect`` would lead out of a layer.
OVERLAY = ("trusted.overlay.", "user.overlay.")
_NOT_HERE = (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Mode bits, numeric owner, time in nanoseconds, extended attributes."""

    mode: int
    uid: int
    gid: int
    mtime: int
    xattrs: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of_member(cls, member: tarfile.TarInfo) -> Metadata:
        """Read it from an entry of a tar; raises Corrupt."""
        if not (0 <= member.uid <= LARGEST_ID and 0 <= member.gid <= LARGEST_ID):
            raise Corrupt(f"it has an owner that cannot be: {member.uid}:{member.gid}")
        mtime = member.mtime if -LATEST_TIME < member.mtime < LATEST_TIME else 0
        xattrs = {
            key.removeprefix(XATTR): value.encode("utf-8", "surrogateescape")
            for key, value in member.pax_headers.items()
            if key.startswith(XATTR)
        }
        nanoseconds = int(mtime * 1_000_000_000)
        return cls(member.mode & 0o7777, member.uid, member.gid, nanoseconds, xattrs)

    @classmethod
    def of_file(cls, fd: int) -> Metadata:
        """Read it from an open file."""
        found = os.fstat(fd)
        mode = stat.S_IMODE(found.st_mode)
        return cls(mode, found.st_uid, found.st_gid, found.st_mtime_ns, xattrs_of(fd))

    def put_on(self, fd: int) -> set[str]:
        """Give it to an open file; return the attributes that this file system refuses.

        For an ordinary user everything is the user's own, and stays readable to them.
        """
        refused = set()
        mode = self.mode
        if os.geteuid() == 0:
            os.fchown(fd, self.uid, self.gid)
        else:
            is_directory = stat.S_ISDIR(os.fstat(fd).st_mode)
            mode |= 0o700 if is_directory else 0o600
        # Only now: a change of the owner takes setuid bits and capabilities away.
        os.fchmod(fd, mode)
        for name, value in self.xattrs.items():
            if name.startswith(OVERLAY):
                continue
            try:
                os.setxattr(fd, name, value)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                refused.add(name)
        os.utime(fd, ns=(self.mtime, self.mtime))
        return refused

    def put_on_name(self, name: str, directory: int) -> None:
        """Give owner and time to what cannot be opened: a symbolic link, a device, a fifo."""
        link = stat.S_ISLNK(os.lstat(name, dir_fd=directory).st_mode)
        if os.geteuid() == 0:
            os.chown(name, self.uid, self.gid, dir_fd=directory, follow_symlinks=False)
        if not link:
            os.chmod(name, self.mode, dir_fd=directory)
        times = (self.mtime, self.mtime)
        os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)


def xattrs_of(fd: int | str) -> dict[str, bytes]:
    """Return the extended attributes of a file, without those that overlayfs made."""
    try:
        names = os.listxattr(fd, follow_symlinks=isinstance(fd, int))
    except OSError as error:
        if error.errno in _NOT_HERE:
            return {}
        raise
    found = {}
    for name in names:
        # ACLs and labels are read as the numbers of this host; they mean nothing elsewhere.
        if name.startswith(("user.", "security.capability")) and not name.startswith(OVERLAY):
            found[name] = os.getxattr(fd, name, follow_symlinks=isinstance(fd, int))
    return found
