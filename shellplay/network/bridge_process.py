"""The bridge process, a child of the REPL: it owns the bridge, and alone loads pyroute2.

When the REPL ends in any way, the socket to it hangs up; the bridge process then removes the
bridge and exits.  It must not be a descendant of the monitor, which kills all descendants.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from shellplay.errors import KernelError, Refused, ShellplayError, TimedOut
from shellplay.kernel import python_child
from shellplay.kernel.proc_write import set_command_line
from shellplay.kernel.shortage import user_error
from shellplay.network import TITLE

if TYPE_CHECKING:
    from shellplay.network.bridge import Bridge

REQUEST_SIZE, SIGNALS_SIZE = 4096, 4096
# How long a request may take on a busy machine.
LIMIT_SECONDS = 30


def main() -> NoReturn:
    """Answer the requests of the REPL until it hangs up, then remove the bridge and exit."""
    # An event loop of asyncio that could not open its sockets complains in its destructor;
    # that it could not is answered already.
    sys.unraisablehook = lambda _: None
    connection = socket.socket(fileno=python_child.FIRST)
    try:
        readable = _prepare()
        bridge = _load_bridge(connection)
    except (OSError, KernelError) as error:
        connection.send(str(user_error(error)).encode())
        os._exit(1)
    watched: list[socket.socket | int] = [connection, readable]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if readable in ready and signal.SIGTERM in os.read(readable, SIGNALS_SIZE):
            break
        if connection in ready and not _serve(bridge, connection):
            break
    _close(bridge)


def _prepare() -> int:
    """Return the end of a pipe that is readable when a signal asks for the end."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGALRM, _give_up)
    set_command_line(os.getpid(), TITLE)
    return readable


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise TimedOut(
        f"the network of the host has not answered for {LIMIT_SECONDS} seconds, or another "
        "playground has locked it"
    )


@contextmanager
def _limited() -> Iterator[None]:
    """End a wait in the block by an error: this process holds a lock of all playgrounds."""
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def _serve(bridge: Bridge, connection: socket.socket) -> bool:
    """Answer one request; return False if the REPL has ended."""
    try:
        message, fds, _, _ = socket.recv_fds(connection, REQUEST_SIZE, 1)
    except ConnectionResetError:
        return False
    if not message:
        return False
    try:
        answer = _answer(bridge, message, fds)
    finally:
        for fd in fds:
            os.close(fd)
    try:
        connection.send(json.dumps(answer).encode())
    except OSError:
        return False
    return True


def _load_bridge(connection: socket.socket) -> Bridge:
    """Load pyroute2 and return a bridge; if it cannot load, answer each request with that."""
    try:
        from shellplay.network.bridge import Bridge

        return Bridge()
    except ImportError as error:
        refusal = Refused(
            f"this pyroute2 is of no use: {error}", "pip install -U 'shellplay[net]'"
        )
    while connection.recv(REQUEST_SIZE):
        connection.send(json.dumps({"refused": [refusal.message, refusal.fix]}).encode())
    os._exit(0)


def _answer(bridge: Bridge, message: bytes, fds: list[int]) -> dict[str, Any]:
    try:
        with _limited():
            return _perform(bridge, json.loads(message), fds)
    except KernelError as error:
        return {"kernel": [error.call, error.errno, error.subject, error.fix]}
    except ShellplayError as error:
        return {"refused": [error.message, error.fix]}
    except Exception as error:
        told = user_error(error)
        return {"refused": [told.message, told.fix]}


def _perform(bridge: Bridge, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    match request:
        case {
            "attach": subnet, "addresses": addresses, "mac": mac, "isolated": isolated,
        }:  # fmt: skip
            pair = bridge.attach(fds[0], subnet, addresses, mac, isolated=isolated)
            return {"pair": vars(pair), "bridge": bridge.name}
        case {"detach": host_end}:
            bridge.detach(host_end)
        case {"remove_stale": True}:
            bridge.remove_stale()
    return {}


def _close(bridge: Bridge) -> NoReturn:
    try:
        with _limited():
            bridge.close()
    except Exception as error:
        # The REPL has ended; only standard error, which is the user's, can show the failure.
        reason = user_error(error)
        sys.stderr.write(f"shellplay: something of the bridge is left behind: {reason}\n")
        sys.stderr.flush()
    os._exit(0)
