"""The process behind a published port: it listens on the host and connects inside.

The socket that listens was made on the host; then the process joins the network inside, so
that every socket it makes is one of there.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import struct
import sys
from contextlib import suppress

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel.here import HERE
from shellplay.kernel.net_addresses import addresses
from shellplay.kernel.proc_write import set_command_line

CHUNK = 1 << 16
IDLE_SECONDS = 60.0
NOBODY = 65534
LOOPBACK = "127.0.0.1"


def main(listener_fd: int, pidfd: int, title: str, inside: int, owner: int) -> None:
    """Pass on what comes to a socket to a port in the network of a process, until killed.

    ``owner`` is the flag of the user namespace to join first, or 0.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    set_command_line(os.getpid(), title)
    # Whoever is root inside must not get at the socket of the host.
    HERE.prctl(k.PR_SET_DUMPABLE, 0)
    try:
        HERE.setns(pidfd, owner | k.CLONE_NEWNET, of=0)
    except KernelError as error:
        # Who has ended before we came needs no port any more.
        if error.errno != errno.ESRCH:
            sys.stderr.write(f"shellplay: {title}: {error}\n")
        os._exit(1)
    os.close(pidfd)
    if not owner:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        # Another user has to ask for it anew, or the port would outlive whoever opened it.
        HERE.prctl(k.PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)
    listener = socket.socket(fileno=listener_fd)
    listener.setblocking(False)
    serve = _tcp if listener.type == socket.SOCK_STREAM else _udp
    asyncio.run(serve(listener, inside))


def address() -> str:
    """Return the address to connect to: one that is not the loopback's, if there is one.

    Who listens on the loopback counts on it that nobody comes from elsewhere.
    """
    return next(iter(addresses("self")), LOOPBACK)


async def _tcp(listener: socket.socket, port: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_connection(address(), port)
        except OSError:
            _reset(writer)
            return
        with suppress(OSError):
            await asyncio.gather(_pump(reader, outer), _pump(inner, writer))
        for each in (outer, writer):
            each.close()

    server = await asyncio.start_server(connected, sock=listener)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    # The other direction may go on.
    writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    # The client is told that nobody listens, as if it had come inside.
    connection = writer.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class _Answers(asyncio.DatagramProtocol):
    """What comes back from inside for one client."""

    def __init__(self, listener: asyncio.DatagramTransport, client: tuple[object, ...]) -> None:
        self.listener, self.client = listener, client
        self.last = 0.0

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        """Send it to the client."""
        self.last = asyncio.get_running_loop().time()
        self.listener.sendto(data, self.client)


class _Questions(asyncio.DatagramProtocol):
    """What comes from clients: each has a socket of its own inside."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.transport: asyncio.DatagramTransport
        self.sessions: dict[
            tuple[object, ...], asyncio.Task[tuple[asyncio.DatagramTransport, _Answers]]
        ] = {}

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Keep the socket that answers go out by."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        """Pass it on by the socket of the client."""
        loop = asyncio.get_running_loop()
        if addr not in self.sessions:
            self.sessions[addr] = loop.create_task(self._opened(addr))
        self.sessions[addr].add_done_callback(lambda task: self._send(task, addr, data))

    def _send(
        self,
        task: asyncio.Task[tuple[asyncio.DatagramTransport, _Answers]],
        client: tuple[object, ...],
        data: bytes,
    ) -> None:
        if task.exception() is not None:
            # There was no socket to be had: the next datagram tries again.
            self.sessions.pop(client, None)
            return
        transport, answers = task.result()
        answers.last = asyncio.get_running_loop().time()
        transport.sendto(data)

    async def _opened(
        self, client: tuple[object, ...]
    ) -> tuple[asyncio.DatagramTransport, _Answers]:
        loop = asyncio.get_running_loop()
        answers = _Answers(self.transport, client)
        opened, _ = await loop.create_datagram_endpoint(
            lambda: answers, remote_addr=(address(), self.port)
        )
        loop.call_later(IDLE_SECONDS, self._expire, client)
        return opened, answers

    def _expire(self, client: tuple[object, ...]) -> None:
        loop = asyncio.get_running_loop()
        transport, answers = self.sessions[client].result()
        if (rest := answers.last + IDLE_SECONDS - loop.time()) > 0:
            loop.call_later(rest, self._expire, client)
            return
        transport.close()
        del self.sessions[client]


async def _udp(listener: socket.socket, port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Questions(port), sock=listener)
    await loop.create_future()
