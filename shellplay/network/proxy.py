"""Our end of a published port: the process that passes on what comes to it."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from shellplay.kernel import constants as k
from shellplay.kernel.pidfd import pidfd
from shellplay.monitor.client import PACKAGE_ROOT, Monitor
from shellplay.network.helper_process import Beside
from shellplay.network.port import Port

PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from shellplay.network.proxy_process import main; "
    "main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))"
)


class Published(NamedTuple):
    """A port that is open, and the process that passes on what comes."""

    port: Port
    process: Beside


def publish(monitor: Monitor, port: Port, pid: int) -> Published:
    """Open a port of the host that leads to one in the network of a process.

    Raises Refused.
    """
    opened, listener = port.open()
    with listener, pidfd(pid) as target:
        stub = monitor.stub()
        try:
            numbers = [stub.give(listener.fileno()), stub.give(target)]
        except BaseException:
            stub.quit()
            raise
        # Root may join any network; others have to be in its user namespace for that.
        owner = 0 if os.geteuid() == 0 else k.CLONE_NEWUSER
        words = [*numbers, f"shellplay: {opened}", port.inside, owner]
        argv = [sys.executable, "-I", "-S", "-c", PROGRAM, PACKAGE_ROOT, *map(str, words)]
        return Published(opened, Beside(stub, argv, keep=numbers))
