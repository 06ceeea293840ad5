"""Registries on the loopback: Debian's, and one that misbehaves on request."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.waiting import wait_until

CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {data}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def real_registry(place: Path) -> Iterator[str]:
    """Run Debian's docker-registry for the block; give its host and port."""
    if not shutil.which("docker-registry") or not shutil.which("skopeo"):
        pytest.skip("needs docker-registry and skopeo (apt-get install docker-registry skopeo)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = place / "registry.yml"
    config.write_text(CONFIG.format(data=place / "registry", port=port))
    with (
        (place / "registry.log").open("wb") as log,
        subprocess.Popen(
            ["docker-registry", "serve", str(config)], stdout=log, stderr=log
        ) as process,
    ):
        try:
            wait_until(lambda: _listens(port), "the registry")
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


@dataclass
class Misbehaving:
    """A registry that serves one OCI layout as ``web:1``, with faults on request.

    It closes the connection once ``cut`` bytes of a blob were sent, ``cuts`` times; it knows
    no ranges if not ``ranges``; it sends the bytes of ``forged`` for blobs; it wants a
    ``login``, basic or bearer; it sends blobs from ``elsewhere``.
    """

    layout: Path
    cut: int = 0
    cuts: int = 0
    ranges: bool = True
    forged: bytes = b""
    login: str = ""
    elsewhere: str = ""
    asked: list[str] = field(default_factory=list)
    address: str = ""

    @contextmanager
    def running(self) -> Iterator[Misbehaving]:
        """Serve requests for the block."""
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Write no log."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = False
            self.address = f"127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        path = handler.path.partition("?")[0]
        range_ = handler.headers.get("Range", "")
        self.asked.append(f"{path.rpartition('/')[2]} {range_}".strip())
        if path == "/token":
            self._send(handler, 200, b'{"token": "let-me-in"}')
        elif not self._may(handler):
            kind = f'{self.login} realm="http://{self.address}/token",service="s",scope="x"'
            self._send(handler, 401, b"{}", {"WWW-Authenticate": kind})
        elif path == "/v2/":
            self._send(handler, 200, b"{}")
        elif path.startswith("/v2/web/manifests/"):
            self._manifest(handler, path.rpartition("/")[2])
        elif self.elsewhere:
            self._send(handler, 307, b"", {"Location": self.elsewhere})
        else:
            self._blob(handler, path.rpartition(":")[2], range_)

    def _may(self, handler: BaseHTTPRequestHandler) -> bool:
        wanted = {"": "", "Basic": "Basic bWU6cHc=", "Bearer": "Bearer let-me-in"}[self.login]
        return not wanted or handler.headers.get("Authorization") == wanted

    def _manifest(self, handler: BaseHTTPRequestHandler, wanted: str) -> None:
        (of,) = json.loads((self.layout / "index.json").read_text())["manifests"]
        if wanted not in ("1", of["digest"]):
            self._send(handler, 404, b"{}")
            return
        self._send(handler, 200, self._content(of["digest"]), {"Content-Type": of["mediaType"]})

    def _blob(self, handler: BaseHTTPRequestHandler, digits: str, range_: str) -> None:
        data = self.forged or self._content(digits)
        start = int(range_[len("bytes=") : -1]) if range_ and self.ranges else 0
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        if self.cuts and len(data) > self.cut:
            self.cuts -= 1
            handler.wfile.write(data[start : start + self.cut])
            handler.close_connection = True
            return
        handler.wfile.write(data[start:])

    def _content(self, digest: str) -> bytes:
        return (self.layout / "blobs" / "sha256" / digest.rpartition(":")[2]).read_bytes()

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        data: bytes,
        headers: dict[str, str] | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)
