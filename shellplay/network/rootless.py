"""Network access without root, by a helper process: pasta(1) or slirp4netns(1)."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from shellplay.errors import Refused
from shellplay.kernel import net_routes
from shellplay.kernel.host_program import opened
from shellplay.monitor.client import Monitor
from shellplay.network.helper_process import HelperProcess, stub_with_output

TUN = Path("/dev/net/tun")
INTERFACE = "eth0"
SLIRP_DNS, PASTA_DNS = "10.0.2.3", "169.254.1.1"
READY_SECONDS = 5.0
POLL_SECONDS = 0.005


class RootlessHelper(NamedTuple):
    """The helper process, the name of its program, and the address of its name server."""

    process: HelperProcess
    program: str
    name_server: str


def require() -> str:
    """Return the path of a helper program that can work here; raises Refused if none can."""
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
    if name == "pasta" and not net_routes.has_default_route("self"):
        # pasta copies the routes of the host; slirp4netns needs none.
        raise Refused("this host has no default route, so pasta leads nowhere", "fence net")
    return path


def start_helper(monitor: Monitor, pid: int) -> RootlessHelper:
    """Start a helper for the network of a process, and wait until it has a default route.

    Raises Refused, also if there is no route after READY_SECONDS.
    """
    path = require()
    program = Path(path).name
    output = os.memfd_create(program)
    try:
        with opened(path) as host_program:
            stub = stub_with_output(monitor, output)
            process = HelperProcess(stub, _arguments(path, pid), host_program)
        deadline = time.monotonic() + READY_SECONDS
        while not net_routes.has_default_route(pid):
            if process.has_ended or time.monotonic() > deadline:
                process.end()
                message = os.pread(output, 4096, 0).decode("utf-8", "replace").split("\n")
                raise Refused(f"{program} leads nowhere: {' '.join(message).strip()}")
            time.sleep(POLL_SECONDS)
    finally:
        os.close(output)
    return RootlessHelper(process, program, PASTA_DNS if program == "pasta" else SLIRP_DNS)


def _arguments(path: str, pid: int) -> list[str]:
    if Path(path).name == "slirp4netns":
        return [path, "--configure", "--disable-host-loopback", str(pid), INTERFACE]
    # pasta would forward all ports by itself; here only published ports are open.
    no_ports = [word for option in "tuTU" for word in (f"-{option}", "none")]
    interface_options = ["--dns-forward", PASTA_DNS, "--ns-ifname", INTERFACE]
    namespace_options = ["--userns", f"/proc/{pid}/ns/user", "--netns", f"/proc/{pid}/ns/net"]
    options = ["--foreground", "--quiet", "--config-net", "--no-map-gw"]
    return [path, *options, *no_ports, *interface_options, *namespace_options]
