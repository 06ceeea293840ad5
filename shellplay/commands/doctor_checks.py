"""The checks of doctor for the machine: what it has and allows, and a fix for the rest."""

import os
import platform
import re
import shutil
from collections.abc import Iterator

from shellplay.commands.finding import Finding, When, sysctl_fix
from shellplay.errors import Refused, ShellplayError
from shellplay.kernel import machine, namespaces, procfs
from shellplay.kernel.architecture import native
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.explain import APPARMOR, USERNS_CLONE, YAMA, sysctl
from shellplay.network import rootless
from shellplay.network.bridge_client import BridgeClient
from shellplay.shell.spawn import host_bash
from shellplay.views.stats import size

OLDEST_KERNEL = (5, 10)
# Numbers from linux/capability.h.
CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_SYS_PTRACE": 19, "CAP_SYS_RESOURCE": 24}


def findings() -> Iterator[Finding]:
    """Yield the result of each check."""
    yield _kernel()
    yield _architecture()
    yield _processors()
    yield _memory()
    yield _user()
    yield _bash()
    yield _capabilities()
    yield _namespaces()
    yield _users()
    yield _subordinate_ids()
    yield _ptrace()
    yield _limits()
    yield _bridge()
    yield _way_out()


def _kernel() -> Finding:
    release = platform.release()
    numbers = re.match(r"(\d+)\.(\d+)", release)
    new = numbers is None or (int(numbers[1]), int(numbers[2])) >= OLDEST_KERNEL
    return Finding("kernel", release, "" if new else "Linux 5.10 or newer", When.KERNEL)


def _architecture() -> Finding:
    try:
        native()
    except ShellplayError as error:
        return Finding("machine", error.message, error.fix or "fences need a new bash here")
    return Finding("machine", platform.machine())


def _processors() -> Finding:
    online, usable, load = machine.processors()
    fewer = f", {usable} of them for us" if usable < online else ""
    return Finding("processors", f"{online}{fewer}, load {load:.2f}")


def _memory() -> Finding:
    total, available, swap, free = machine.memory()
    swapping = f"swap {size(swap)}, {size(free)} free" if swap else "no swap"
    return Finding("memory", f"{size(total)}, {size(available)} available, {swapping}")


def _user() -> Finding:
    count = machine.sessions()
    sessions = "1 session is" if count == 1 else f"{count or 'no'} sessions are"
    return Finding("user", f"{machine.user()}, uid {os.getuid()}; {sessions} logged in")


def _bash() -> Finding:
    try:
        with host_bash() as bash:
            return Finding("bash", bash.path)
    except Refused as error:
        return Finding("bash", error.message, error.fix or "set PATH to another bash")


def _capabilities() -> Finding:
    status = procfs.status("self")
    effective = status.effective if status else 0
    held = [name for name, number in CAPABILITIES.items() if effective >> number & 1]
    who = "root" if os.geteuid() == 0 else f"uid {os.geteuid()}"
    first = "" if "CAP_SYS_ADMIN" in held else "; a user fence comes first"
    return Finding("privileges", f"{who}, {' '.join(held) or 'no capabilities'}{first}")


def _namespaces() -> Finding:
    missing = [kind for kind in namespaces.KINDS if not namespaces.supported(kind)]
    if missing:
        fix = "a kernel with these namespaces"
        return Finding("namespaces", f"no {' '.join(missing)}", fix, When.KERNEL)
    return Finding("namespaces", " ".join(namespaces.KINDS))


def _users() -> Finding:
    for name, forbids, allows in (
        ("user.max_user_namespaces", "0", "10000"),
        (USERNS_CLONE, "0", "1"),
        (APPARMOR, "1", "0"),
    ):
        if sysctl(name) == forbids:
            who = "nobody" if name.startswith("user.") else "only root"
            return Finding(
                "user fence", f"{who} may: {name} is {forbids}", sysctl_fix(name, allows)
            )
    return Finding("user fence", "allowed for everyone")


def _subordinate_ids() -> Finding:
    if os.geteuid() == 0:
        return Finding("id ranges", "root maps any")
    if not shutil.which("newuidmap"):
        return Finding("id ranges", "only your own uid: no newuidmap", "apt-get install uidmap")
    return Finding("id ranges", "newuidmap, for the ranges in /etc/subuid")


def _ptrace() -> Finding:
    scope = sysctl(YAMA)
    if scope == "3" or (scope == "2" and os.geteuid() != 0):
        fact = f"refused: {YAMA} is {scope}; fences start a new bash"
        # Yama does not let anybody change 3 before the next boot.
        when = When.BOOT if scope == "3" else When.NOW
        return Finding("live fences", fact, sysctl_fix(YAMA, "1"), when)
    yama = f"{YAMA} is {scope}" if scope else "no Yama"
    return Finding("live fences", f"ptrace is not forbidden, {yama}")


def _limits() -> Finding:
    trees = [(name, hierarchies.having(name)) for name in hierarchies.CONTROLLERS]
    missing = [name for name, tree in trees if tree is None]
    if len(missing) == len(trees):
        return Finding("limits", "no cgroups", "mount -t cgroup2 none /sys/fs/cgroup, as root")
    versions = {tree.version for _, tree in trees if tree is not None}
    fact = f"cgroups of version {' and '.join(map(str, sorted(versions)))}"
    if missing:
        fact += f", without {' '.join(missing)}"
    try:
        for tree in {tree for _, tree in trees if tree is not None}:
            hierarchies.place(tree)
    except Refused as error:
        return Finding("limits", f"{fact}; {error.message}", error.fix or "")
    return Finding("limits", fact)


def _bridge() -> Finding:
    if os.geteuid() != 0:
        return Finding("net bridge", "only root may; net pasta is for everyone")
    if (missing := BridgeClient.missing()) is not None:
        return Finding("net bridge", missing.message, missing.fix or "")
    return Finding("net bridge", "pyroute2 is installed, and the kernel has nftables")


def _way_out() -> Finding:
    if os.geteuid() == 0:
        return Finding("net pasta", "for ordinary users; root has net bridge")
    try:
        return Finding("net pasta", rootless.require())
    except Refused as error:
        return Finding("net pasta", error.message, error.fix or "")
