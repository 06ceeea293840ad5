"""Publish a port: open it on the host, and start the process that relays its connections."""

from __future__ import annotations

import os
from typing import NamedTuple

from shellplay.kernel import constants as k
from shellplay.kernel import interpreter
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.python_child import PACKAGE_ROOT
from shellplay.monitor.client import Monitor
from shellplay.network.helper_process import HelperProcess
from shellplay.network.port import Port

PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from shellplay.network.proxy_process import main; "
    "main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))"
)


class Published(NamedTuple):
    """An open port of the host, and the process that relays its connections."""

    port: Port
    process: HelperProcess


def publish(monitor: Monitor, port: Port, pid: int) -> Published:
    """Open a port of the host, and relay its connections into the network of a process.

    Raises Refused and KernelError.
    """
    bound, listener = port.open()
    with listener, pidfd(pid) as target:
        stub = monitor.stub()
        try:
            numbers = [stub.give(listener.fileno()), stub.give(target)]
        except BaseException:
            stub.quit()
            raise
        # setns(2) needs CAP_SYS_ADMIN over the network namespace: an ordinary user gets it by
        # joining the user namespace that owns it.
        user_namespace_flag = 0 if os.geteuid() == 0 else k.CLONE_NEWUSER
        arguments = [*numbers, f"shellplay: {bound}", port.inside, user_namespace_flag]
        argv = interpreter.command(PROGRAM, PACKAGE_ROOT, *map(str, arguments))
        process = HelperProcess(
            stub, argv, interpreter.OF_STUB, change=interpreter.library_path(), keep=numbers
        )
        return Published(bound, process)
