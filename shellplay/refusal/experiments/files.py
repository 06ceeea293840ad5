"""Experiments with files and mounts."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator

from shellplay.kernel import constants as k
from shellplay.refusal.experiments.experiment import (
    HERE,
    MAKER,
    NAMELESS,
    NODE,
    ROOT,
    Experiment,
    open_step,
)
from shellplay.refusal.repetition import BEYOND, NOWHERE

NULL_DEVICE = os.makedev(1, 3)


def all_of() -> Iterator[Experiment]:
    """Yield the experiments with files and mounts."""
    group = "files"
    for name, path in {"root": "/", "etc": "/etc", "usr": "/usr", "tmp": "/tmp"}.items():
        yield Experiment(
            f"write-{name}",
            group,
            f"make a file in {path}",
            (open_step(path.encode(), NAMELESS),),
        )
    yield Experiment(
        "mount", group, "mount a file system",
        (("mount", (b"probe", MAKER, b"tmpfs", 0, 0)),), late=True,
    )  # fmt: skip
    yield Experiment(
        "bind-mount", group, "show a directory at another place",
        (("mount", (b"/", MAKER, 0, k.MS_BIND, 0)),), late=True,
    )  # fmt: skip
    yield Experiment(
        "remount", group, "make a read-only mount writable",
        (("mount", (0, b"/proc", 0, k.MS_BIND | 32, 0)),), (errno.EINVAL,), late=True,
    )  # fmt: skip
    yield Experiment(
        "unmount", group, "unmount what covers files", (("umount2", (b"/proc", k.MNT_DETACH)),),
        (errno.EINVAL,), late=True,
    )  # fmt: skip
    yield Experiment(
        "new-mount", group, "prepare a mount, fsopen(2)", (("fsopen", (b"tmpfs", 0)),)
    )
    yield Experiment(
        "clone-mount", group, "copy a tree of mounts, open_tree(2)",
        (("open_tree", (HERE, ROOT, k.OPEN_TREE_CLONE)),),
    )  # fmt: skip
    yield Experiment(
        "chroot", group, "change its root directory", (("chroot", (ROOT,)),), alone=True
    )
    yield Experiment(
        "device-node", group, "make a device node, mknod(2)",
        (("mknodat", (HERE, NODE, stat.S_IFCHR, NULL_DEVICE)), ("unlinkat", (HERE, NODE, 0))),
    )  # fmt: skip
    yield Experiment(
        "file-handle", group, "open a file by its inode (the shocker escape)",
        (("open_by_handle_at", (HERE, struct.pack("Ii8x", 8, 1), 0)),),
        (errno.ESTALE, errno.EINVAL, errno.EOPNOTSUPP),
    )  # fmt: skip
    yield Experiment(
        "watch-files", group, "watch all files of a mount, fanotify(7)",
        (("fanotify_init", (0, 0)),),
    )  # fmt: skip
    yield Experiment(
        "accounting", group, "log all processes, acct(2)", (("acct", (NOWHERE,)),), BEYOND
    )
