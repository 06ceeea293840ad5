"""The preset ``docker``: the fences of ``docker run``, in the order of runc."""

from __future__ import annotations

import os
from collections.abc import Sequence

from shellplay.errors import Refused
from shellplay.fences.base.fence import Fence

NAME = "docker"
# Namespaces first, then the files; restrictions come last.  The filter comes before caps: to
# install a filter needs CAP_SYS_ADMIN or no_new_privs.
NAMESPACES = ("mnt", "uts", "ipc", "net", "pid")
FILES = ("root", "proc", "sys", "dev")
PRIVILEGES = ("seccomp", "caps")


# Docker leaves CAP_MKNOD, and mknod(1) makes a device node for any disk of the host.
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
    # Loaded here: only a network with a way out needs these.
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
    """Choose the rules of a filter for the capabilities that the caps fence will leave."""
    if not {"caps", "seccomp"} <= {each.kind for each in fences}:
        return tuple(fences)
    from shellplay.fences.caps import Caps
    from shellplay.fences.seccomp import Seccomp

    caps = next(each for each in fences if isinstance(each, Caps))
    return tuple(
        each.changed(ready=each.rules(caps.left())) if isinstance(each, Seccomp) else each
        for each in fences
    )
