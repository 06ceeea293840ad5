"""Experiments with users, groups and keys."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from shellplay.refusal.experiments.experiment import (
    FIRST,
    MAKER,
    NAMELESS,
    Experiment,
    open_step,
    opening,
)

KEYCTL_GET_KEYRING_ID, SESSION_KEYRING = 0, -3
ONE_BYTE = b"x"


def all_of() -> Iterator[Experiment]:
    """Yield the experiments with users, groups and keys."""
    group = "users"
    yield Experiment("setuid", group, "become another user", (("setuid", (1,)),), alone=True)
    yield Experiment("setgid", group, "become another group", (("setgid", (1,)),), alone=True)
    yield Experiment(
        "setgroups", group, "take on other groups",
        (("setgroups", (1, struct.pack("I", 1))),), alone=True,
    )  # fmt: skip
    yield Experiment(
        "chown", group, "give a file to another user",
        (open_step(MAKER, NAMELESS), ("fchown", (FIRST, 1, 1))),
    )  # fmt: skip
    yield Experiment(
        "suid-bit", group, "make a program that runs as its owner",
        (open_step(MAKER, NAMELESS), ("fchmod", (FIRST, 0o4755))),
    )  # fmt: skip
    yield opening("shadow", group, "read the passwords, /etc/shadow", "/etc/shadow")
    yield Experiment(
        "file-capability", group, "make a program with capabilities",
        (
            open_step(MAKER, NAMELESS),
            ("fsetxattr", (FIRST, b"security.capability", _file_caps(), 20, 0)),
        ),
    )  # fmt: skip
    yield Experiment(
        "trusted-attribute", group, "mark a file as overlayfs does",
        (open_step(MAKER, NAMELESS), ("fsetxattr", (FIRST, b"trusted.probe", ONE_BYTE, 1, 0))),
    )  # fmt: skip
    yield Experiment(
        "keyring", group, "use the session keyring, keyctl(2)",
        (("keyctl", (KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, 0, 0, 0)),),
    )  # fmt: skip
    yield Experiment(
        "add-key", group, "store a key in the kernel",
        (("add_key", (b"user", b"probe", ONE_BYTE, 1, -2)),),
    )  # fmt: skip


def _file_caps() -> bytes:
    return struct.pack("<5I", 0x02000000, 0, 0, 0, 0)
