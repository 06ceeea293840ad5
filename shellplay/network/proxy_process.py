"""The process of a published port: it listens on the host, and connects in the container.

A socket belongs to the network namespace in which it was created.  The listening socket was
created on the host; then this process joins the container's network namespace by setns(2), so
all sockets that it creates later belong there.
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


def main(
    listener_fd: int, pidfd: int, title: str, inside: int, user_namespace_flag: int
) -> None:
    """Relay the connections of a listening socket to the port ``inside``, until killed.

    ``pidfd`` is that of a process in the network namespace.  ``user_namespace_flag`` is
    CLONE_NEWUSER if its user namespace must be joined too, else 0.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    HERE.prctl(k.PR_SET_NAME, b"port proxy")
    set_command_line(os.getpid(), title)
    # A process that is not dumpable cannot be traced: so root in the container cannot take
    # the host's socket out of this process (ptrace(2)).
    HERE.prctl(k.PR_SET_DUMPABLE, 0)
    try:
        HERE.setns(pidfd, user_namespace_flag | k.CLONE_NEWNET, of=0)
    except KernelError as error:
        # ESRCH: the process has ended meanwhile, and its port is not needed.
        if error.errno != errno.ESRCH:
            sys.stderr.write(f"shellplay: {title}: {error}\n")
        os._exit(1)
    os.close(pidfd)
    if not user_namespace_flag:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        # setresuid(2) clears PDEATHSIG: set it again, or the port would outlive its owner.
        HERE.prctl(k.PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)
    listener = socket.socket(fileno=listener_fd)
    listener.setblocking(False)
    serve = _tcp if listener.type == socket.SOCK_STREAM else _udp
    asyncio.run(serve(listener, inside))


def target_address() -> str:
    """Return the address to connect to: the first one that is not on the loopback.

    A server that listens on the loopback only does not expect remote clients.
    """
    return next(iter(addresses("self")), LOOPBACK)


async def _tcp(listener: socket.socket, port: int) -> None:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inside_reader, inside_writer = await asyncio.open_connection(target_address(), port)
        except OSError:
            _reset(writer)
            return
        with suppress(OSError):
            await asyncio.gather(_pump(reader, inside_writer), _pump(inside_reader, writer))
        for stream in (inside_writer, writer):
            stream.close()

    server = await asyncio.start_server(relay, sock=listener)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    # Only this direction has ended: the other stream may still be open (shutdown(2)).
    writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    # SO_LINGER with 0 seconds sends a reset: the client sees a refused connection.
    connection = writer.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class _AnswerSocket(asyncio.DatagramProtocol):
    """The socket in the container for one UDP client: it passes the answers to the client."""

    def __init__(self, listener: asyncio.DatagramTransport, client: tuple[object, ...]) -> None:
        self.listener, self.client = listener, client
        self.last = 0.0

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        """Send a datagram from the container to the client."""
        self.last = asyncio.get_running_loop().time()
        self.listener.sendto(data, self.client)


class _ClientSocket(asyncio.DatagramProtocol):
    """The UDP socket on the host: it gives each client a socket of its own in the container."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.transport: asyncio.DatagramTransport
        self.sessions: dict[
            tuple[object, ...], asyncio.Task[tuple[asyncio.DatagramTransport, _AnswerSocket]]
        ] = {}

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Keep the transport by which the answers are sent."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        """Send a datagram to the container by the socket of its client."""
        loop = asyncio.get_running_loop()
        if addr not in self.sessions:
            self.sessions[addr] = loop.create_task(self._open_session(addr))
        self.sessions[addr].add_done_callback(lambda task: self._send(task, addr, data))

    def _send(
        self,
        task: asyncio.Task[tuple[asyncio.DatagramTransport, _AnswerSocket]],
        client: tuple[object, ...],
        data: bytes,
    ) -> None:
        if task.exception() is not None:
            # The socket could not be opened: the next datagram tries again.
            self.sessions.pop(client, None)
            return
        transport, answers = task.result()
        answers.last = asyncio.get_running_loop().time()
        transport.sendto(data)

    async def _open_session(
        self, client: tuple[object, ...]
    ) -> tuple[asyncio.DatagramTransport, _AnswerSocket]:
        loop = asyncio.get_running_loop()
        answers = _AnswerSocket(self.transport, client)
        opened, _ = await loop.create_datagram_endpoint(
            lambda: answers, remote_addr=(target_address(), self.port)
        )
        loop.call_later(IDLE_SECONDS, self._expire, client)
        return opened, answers

    def _expire(self, client: tuple[object, ...]) -> None:
        loop = asyncio.get_running_loop()
        transport, answers = self.sessions[client].result()
        if (seconds_left := answers.last + IDLE_SECONDS - loop.time()) > 0:
            loop.call_later(seconds_left, self._expire, client)
            return
        transport.close()
        del self.sessions[client]


async def _udp(listener: socket.socket, port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _ClientSocket(port), sock=listener)
    await loop.create_future()
