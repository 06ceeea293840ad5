"""Servers and clients in containers, and the changes of a bridge on the host."""

from __future__ import annotations

import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.network.forwarding import DIRECTORY, PREFIX
from tests.waiting import wait_until

# Python's web server, but it asks no name server for the name of its address.
WEB = """python3 -c '
import http.server, socket
socket.getfqdn = str
http.server.test(
    http.server.SimpleHTTPRequestHandler, http.server.ThreadingHTTPServer,
    port={port}, bind="{bind}",
)' >/dev/null 2>&1 &"""
ECHO = """python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", {port}))
while True:
    data, where = s.recvfrom(2048)
    s.sendto(data.upper(), where)
' &"""
FETCH = (
    "import urllib.request as u; print(u.urlopen('{url}', timeout=5).read().decode(), end='')"
)
# The keywords in the output of nft(8).
WORDS = {"table", "inet", "ip", "ip6"}
SETTINGS = ("ipv4/ip_forward", "ipv4/conf/*/forwarding", "ipv6/conf/*/forwarding")


def serve_files(box: Container, directory: Path, bind: str = "::", port: int = 80) -> None:
    """Start Python's web server for a directory, in the background of a bash."""
    box.run(f"cd {directory}; {WEB.format(port=port, bind=bind)}")
    _await(box, "tcp6" if ":" in bind else "tcp", port)


def serve_echo(box: Container, port: int) -> None:
    """Start a server that answers each datagram with the same text in capitals."""
    box.run(ECHO.format(port=port))
    _await(box, "udp", port)


def fetch(url: str) -> str:
    """Return a page, read by a client on the host."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def fetched_inside(box: Container, url: str) -> str:
    """Return a page, read by a client in a container."""
    return box.run(f'python3 -c "{FETCH.format(url=url)}"').output


def asked(place: tuple[str, int], text: bytes) -> bytes:
    """Send a datagram from the host; return the answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(text, place)
        return client.recv(2048)


def needs_nft() -> None:
    """Skip a test that runs nft(8) if it is not installed; shellplay does not need it."""
    if not shutil.which("nft"):
        pytest.skip("needs nft(8) (apt-get install nftables)")


def host() -> dict[str, object]:
    """Return the state of the host that a bridge changes: interfaces, tables, sysctls."""
    needs_nft()
    tables = subprocess.run(
        ["nft", "list", "tables"], capture_output=True, text=True, check=True
    ).stdout.split()
    paths = sorted(path for each in SETTINGS for path in Path("/proc/sys/net").glob(each))
    return {
        "interfaces": {name for _, name in socket.if_nameindex()},
        "tables": set(tables) - WORDS,
        "forwarding": {str(path): _read(path) for path in paths},
        "files": account().exists(),
    }


def account() -> Path:
    """Return the file with the old values of the sysctls of this network namespace."""
    return DIRECTORY / f"{PREFIX}{Path('/proc/self/ns/net').stat().st_ino}"


def as_before(before: dict[str, object]) -> bool:
    """Tell whether the host has the same state as before."""
    return host() == before


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None  # The interface has just been removed.


def _await(box: Container, kind: str, port: int) -> None:
    ending = f":{port:04X}"

    def listens() -> bool:
        lines = Path(f"/proc/{box.pid}/net/{kind}").read_text().splitlines()[1:]
        return any(line.split()[1].endswith(ending) for line in lines)

    wait_until(listens, f"somebody listens on {port}")
