"""The warnings of ``run``: what an option opens, and what Docker warns about.

Docker's own warnings are in daemon/daemon_unix.go and daemon/create.go of moby.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from shellplay.container.spec import VolumeSpec
from shellplay.docker.mounts import volumes
from shellplay.docker.option_table import DISCARDED
from shellplay.docker.options import RunRequest
from shellplay.docker.tuning import keeps_oom_control
from shellplay.fences import dev

if TYPE_CHECKING:
    from shellplay.image.manifest import Image

OOM_KILL_DISABLE = "oom-kill-disable"
ALL, NET_ADMIN = "all", "net_admin"
OPENED_FOR_ROOT = "a program inside has all capabilities and devices of the host"
OPENED_FOR_USERS = "nothing filters system calls, or hides settings in /proc and /sys"
# What a program of root can do with a capability that Docker does not give.
CAPABILITIES = {
    ALL: "do what root can do on the host",
    "sys_admin": "mount /proc and devices, and so change settings of the host",
    "sys_module": "load modules into the kernel of the host",
    "sys_rawio": "talk to the hardware of the host past the kernel",
    "sys_time": "set the clock of the host",
    "sys_ptrace": "read and change the memory of every process that it sees",
    "dac_read_search": "open files of the host by their number",
    "bpf": "load BPF programs into the kernel of the host",
    "syslog": "read the log of the kernel",
}
NETWORK_ADMIN = "change the firewall and the routes of the host"
# Directories that decide about the whole host.
DIRECTORIES = {
    "/": "every file of the host",
    "/proc": "the settings of the kernel in /proc",
    "/sys": "the settings of devices and drivers in /sys",
    "/etc": "the users, passwords and services of the host",
    "/usr": "the programs of the host",
    "/boot": "the kernel that the host starts next",
}
# In these each file below is a setting, too.
SETTINGS = ("/proc", "/sys")
# By such a socket everybody can start a container with all privileges.
SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock")


def warnings(request: RunRequest, image: Image | None) -> Iterator[str]:
    """Yield a sentence for each option that opens something, and for what Docker warns about.

    ``image`` is None for the files of the host.  An ordinary user has a ``user`` fence, so
    the capabilities of a program have no power over the host.
    """
    root = os.geteuid() == 0
    yield from _privileges(request, root=root)
    yield from _namespaces(request)
    for spec in volumes(request):
        yield from _volume(spec, root=root)
    yield from _ports(request)
    yield from _limits(request)
    if image is not None:
        yield from _platform(image)


def _privileges(request: RunRequest, *, root: bool) -> Iterator[str]:
    added = [name.lower().removeprefix("cap_") for name in request.all("cap-add")]
    everything = request.has("privileged") or ALL in added
    if request.has("privileged"):
        opened = OPENED_FOR_ROOT if root else OPENED_FOR_USERS
        yield f"--privileged: {opened}"
    elif root:
        for name in (ALL,) if everything else dict.fromkeys(added):
            if name in CAPABILITIES:
                yield f"--cap-add {name.upper()}: a program inside can {CAPABILITIES[name]}"
    if root and request.last("network") == "host" and (everything or NET_ADMIN in added):
        yield f"--network host with NET_ADMIN: a program inside can {NETWORK_ADMIN}"
    for word in request.all("security-opt"):
        if word.replace(":", "=", 1) == "seccomp=unconfined":
            yield f"--security-opt {word}: a program inside can make every system call"


def _namespaces(request: RunRequest) -> Iterator[str]:
    opened = {
        "pid": "a program inside sees all processes of the host, and can end those of its user",
        "ipc": "a program inside shares memory and message queues with programs of the host",
        "network": "a program inside reaches the services of the host on 127.0.0.1",
    }
    for option, sentence in opened.items():
        if request.last(option) == "host":
            yield f"--{option} host: {sentence}"


def _volume(spec: VolumeSpec, *, root: bool) -> Iterator[str]:
    source = spec.source
    if source is None or (spec.device and dev.is_harmless(source)):
        return
    if spec.device:
        disk = ", and so each file on it" if source.is_block_device() else ""
        yield f"--device {source}: a program inside can read and write this device{disk}"
    elif source.name in SOCKETS and source.is_socket():
        yield f"-v {source}: a program inside can start containers with all privileges by it"
    elif what := _reached(source):
        verb = "read" if spec.read_only else "change"
        bound = "" if root else ", as far as you can"
        yield f"-v {source}: a program inside can {verb} {what}{bound}"


def _reached(source: Path) -> str | None:
    below = (each for each in SETTINGS if source.is_relative_to(each))
    return DIRECTORIES.get(next(below, str(source)))


def _ports(request: RunRequest) -> Iterator[str]:
    # Loaded here: few containers publish a port.
    from ipaddress import ip_address

    from shellplay.network.port_range import choices

    texts = request.all("publish")
    network = request.last("network")
    if texts and network == "host":
        yield "-p is discarded with --network host: a port inside is one of the host already"
        return
    if texts and network == "none":
        yield "-p leads to no program with --network none, before connect gives it an address"
    for text in texts:
        if any(ip_address(port.address).is_unspecified for port, *_ in choices(text)):
            yield f"-p {text}: other machines can reach this port, on all addresses of the host"


def _limits(request: RunRequest) -> Iterator[str]:
    if request.last("memory") not in (None, "0"):
        # Loaded here: few containers have a limit.
        from shellplay.fences.memory import Memory

        if not Memory.counts_swap():
            yield "-m: the kernel does not count swap, so memory is limited without swap"
    for name, reason in DISCARDED.items():
        if request.all(name) and not (name == OOM_KILL_DISABLE and keeps_oom_control()):
            yield f"--{name} is discarded: {reason}"
    unlimited = request.last("memory") in (None, "0")
    if request.has(OOM_KILL_DISABLE) and unlimited and keeps_oom_control():
        yield f"--{OOM_KILL_DISABLE} without -m can take all memory of the host"


def _platform(image: Image) -> Iterator[str]:
    # Loaded here: the files of the host need no image.
    from shellplay.image.manifest import host_platform

    ours = "/".join(host_platform().split("/")[:2])
    theirs = f"{image.config.os}/{image.config.architecture}"
    if theirs != ours:
        yield f"{image.name} is for {theirs}, and this machine is {ours}: it may not start"
