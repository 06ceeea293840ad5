"""Translate --sysctl: only switches that belong to a namespace of the container."""

from __future__ import annotations

import re
from collections.abc import Collection

from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError

# The switches that belong to an IPC namespace: the list of runc, libcontainer/configs/validate.
OF_IPC = {
    f"kernel.{name}"
    for name in (
        *("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni"),
        *("shm_rmid_forced", "msg_next_id", "sem_next_id", "shm_next_id"),
    )
}
QUEUES, NET = "fs.mqueue.", "net."
# The name becomes a path in /proc/sys, so each part of it has to be a name.
NAME = re.compile(r"[a-z0-9][a-zA-Z0-9_-]*(\.[a-zA-Z0-9_-]+)+")
VALUE = re.compile(r"[ -~\t]{0,4096}")


def sysctls(request: RunRequest, fences: Collection[str]) -> dict[str, str]:
    """Return the switches by name; ``fences`` are the kinds of the fences.

    Raises UsageError.
    """
    found = dict(map(_pair, request.all("sysctl")))
    for name in found:
        kind = "net" if name.startswith(NET) else "ipc"
        if kind == "ipc" and not (name in OF_IPC or name.startswith(QUEUES)):
            raise UsageError(
                f"--sysctl {name} is a switch of the whole machine",
                "net.*, fs.mqueue.*, and kernel.msg*, sem* and shm* are a container's own",
            )
        if kind not in fences:
            option = "--network" if kind == "net" else "--ipc"
            raise UsageError(f"--sysctl {name} would change the host's", f"leave {option} out")
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and NAME.fullmatch(name) and VALUE.fullmatch(value)):
        raise UsageError(f"--sysctl {text!r} is not a switch", "as in net.ipv4.ip_forward=1")
    return name, value
