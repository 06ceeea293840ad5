"""The process beside the REPL that has the bridge: it alone loads pyroute2.

It ends when the REPL hangs up, however that goes, and removes everything then.  It must
not be in the playground process's family, which is killed as a whole.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from shellplay.errors import Bug, KernelError, Refused, ShellplayError
from shellplay.kernel.proc_write import set_command_line
from shellplay.network import TITLE

if TYPE_CHECKING:
    from shellplay.network.bridge import Bridge

REQUEST_SIZE = 4096


def main(link_fd: int) -> NoReturn:
    """Do what the REPL asks for until it hangs up, then remove everything and exit."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable)
    signal.signal(signal.SIGTERM, lambda *_: None)
    set_command_line(os.getpid(), TITLE)
    link = socket.socket(fileno=link_fd)
    bridge = _loaded(link)
    watched: list[socket.socket | int] = [link, readable]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if readable in ready:
            break
        try:
            message, fds, _, _ = socket.recv_fds(link, REQUEST_SIZE, 1)
        except ConnectionResetError:
            break
        if not message:
            break
        try:
            answer = _answer(bridge, json.loads(message), fds)
        except KernelError as error:
            failed = [error.call, error.errno, error.subject, error.fix]
            answer = {"kernel": failed}
        except ShellplayError as error:
            answer = {"refused": [error.message, error.fix]}
        except Exception as error:
            bug = Bug(error)
            answer = {"refused": [bug.message, bug.fix]}
        finally:
            for fd in fds:
                os.close(fd)
        try:
            link.send(json.dumps(answer).encode())
        except OSError:
            break  # It has gone while we were at it.
    _end(bridge)


def _loaded(link: socket.socket) -> Bridge:
    """Load pyroute2 and return what it is for; if it cannot be, say so to whoever asks."""
    try:
        from shellplay.network.bridge import Bridge

        return Bridge()
    except ImportError as error:
        why = Refused(f"this pyroute2 is of no use: {error}", "pip install -U 'shellplay[net]'")
    while link.recv(REQUEST_SIZE):
        link.send(json.dumps({"refused": [why.message, why.fix]}).encode())
    os._exit(0)


def _answer(bridge: Bridge, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    match request:
        case {"attach": subnet}:
            return {"leg": bridge.attach(fds[0], subnet), "bridge": bridge.name}
        case {"detach": link}:
            bridge.detach(link)
        case {"sweep": True}:
            bridge.sweep()
    return {}


def _end(bridge: Bridge) -> NoReturn:
    try:
        bridge.close()
    except ShellplayError as error:
        # Nobody else is left who could say it: our standard error is the user's.
        sys.stderr.write(f"shellplay: something of the bridge is left behind: {error}\n")
        sys.stderr.flush()
    os._exit(0)
