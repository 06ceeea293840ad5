"""A way out without root: pasta, or slirp4netns, beside the network of a container."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from shellplay.errors import Refused
from shellplay.kernel import net_routes
from shellplay.monitor.client import Monitor
from shellplay.network.helper_process import Beside, stub_printing_to

TUN = Path("/dev/net/tun")
INTERFACE = "eth0"
SLIRP_DNS, PASTA_DNS = "10.0.2.3", "169.254.1.1"
READY_SECONDS = 5.0
MOMENT_SECONDS = 0.005


class Way(NamedTuple):
    """The process that leads out, what it is, and the name server that it has."""

    process: Beside
    program: str
    name_server: str


def require() -> str:
    """Return the program that leads out here; raise Refused, with the fix, if none does."""
    for name in ("pasta", "slirp4netns"):
        path = shutil.which(name)
        if path is not None:
            break
    else:
        raise Refused("neither pasta nor slirp4netns is installed", "apt-get install passt")
    if os.geteuid() == 0:
        raise Refused(f"{name} leads out for ordinary users", "fence net bridge")
    if not os.access(TUN, os.R_OK | os.W_OK):
        raise Refused(
            f"{name} takes {TUN}, which is closed to you", f"chmod 666 {TUN}, as root"
        )
    if name == "pasta" and not net_routes.leads_out("self"):
        # It does as the host does; slirp4netns has a network of its own to show.
        raise Refused("this host has no default route, so pasta leads nowhere", "fence net")
    return path


def open_way(monitor: Monitor, pid: int) -> Way:
    """Start the program beside the network of a process, and wait until it leads out.

    Raises Refused.
    """
    path = require()
    program = Path(path).name
    output = os.memfd_create(program)
    try:
        process = Beside(stub_printing_to(monitor, output), _arguments(path, pid))
        deadline = time.monotonic() + READY_SECONDS
        while not net_routes.leads_out(pid):
            if process.ended or time.monotonic() > deadline:
                process.end()
                said = os.pread(output, 4096, 0).decode("utf-8", "replace").split("\n")
                raise Refused(f"{program} leads nowhere: {' '.join(said).strip()}")
            time.sleep(MOMENT_SECONDS)
    finally:
        os.close(output)
    return Way(process, program, PASTA_DNS if program == "pasta" else SLIRP_DNS)


def _arguments(path: str, pid: int) -> list[str]:
    if Path(path).name == "slirp4netns":
        return [path, "--configure", "--disable-host-loopback", str(pid), INTERFACE]
    # No port of its own: those that are wanted are published.
    closed = [word for option in "tuTU" for word in (f"-{option}", "none")]
    names = ["--dns-forward", PASTA_DNS, "--ns-ifname", INTERFACE]
    spaces = ["--userns", f"/proc/{pid}/ns/user", "--netns", f"/proc/{pid}/ns/net"]
    options = ["--foreground", "--quiet", "--config-net", "--no-map-gw"]
    return [path, *options, *closed, *names, *spaces]
