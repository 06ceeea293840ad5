"""What ``docker run`` puts around a process: which fences, in the order of runc."""

from __future__ import annotations

import os
from collections.abc import Sequence

from shellplay.errors import Refused
from shellplay.fences.base.fence import Fence

NAME = "docker"
# Namespaces first, then the files; what takes privileges away comes last, and the filter
# before the capabilities that it takes to install one.
NAMESPACES = ("mnt", "uts", "ipc", "net", "pid")
FILES = ("root", "proc", "sys", "dev")
PRIVILEGES = ("seccomp", "caps")


# With CAP_MKNOD, which Docker leaves, the disks of the host are one mknod(1) away.
OPTIONS = {"root": {"nodev": "yes"}}


def preset() -> tuple[str, ...]:
    """Return the kinds of Docker's fences, as it puts them up on this machine.

    An ordinary user needs a user fence for the others.  Docker makes a cgroup namespace
    where cgroups are of version 2 only.
    """
    user = () if os.geteuid() == 0 else ("user",)
    return (*user, *NAMESPACES, *cgroup_namespace(), *FILES, *PRIVILEGES)


def cgroup_namespace() -> tuple[str, ...]:
    """Return the cgroup fence if Docker makes one here."""
    from shellplay.kernel.cgroup import hierarchies

    found = hierarchies.having("pids")
    return ("cgroup",) if found is not None and found.version == 2 else ()


def network() -> tuple[dict[str, str], str | None]:
    """Return the options of net for a way out, as Docker has one; or why there is none."""
    # Loaded here: only who wants a way out pays for it.
    from shellplay.fences.net import BRIDGE, PASTA
    from shellplay.network import rootless
    from shellplay.network.bridge_client import BridgeClient

    mode, require = (
        (PASTA, rootless.require) if os.geteuid() else (BRIDGE, BridgeClient.require)
    )
    try:
        require()
    except Refused as error:
        return {}, f"nothing leads out of net: {error}"
    return {"mode": mode}, None


def fitted(fences: Sequence[Fence]) -> tuple[Fence, ...]:
    """Have a filter ask about the capabilities that will be left, not those of now."""
    if not {"caps", "seccomp"} <= {each.kind for each in fences}:
        return tuple(fences)
    from shellplay.fences.caps import Caps
    from shellplay.fences.seccomp import Seccomp

    caps = next(each for each in fences if isinstance(each, Caps))
    return tuple(
        each.changed(ready=each.rules(caps.left())) if isinstance(each, Seccomp) else each
        for each in fences
    )
