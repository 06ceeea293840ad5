"""A real dockerd in namespaces of its own, so that everything ends with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import wait_until

NEEDED = ("docker", "dockerd", "unshare", "setpriv", "ip")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
# Its store is a tmpfs in a private mount namespace.
START = (
    'mount -t tmpfs tmpfs "$1" && ip link set lo up && exec dockerd --data-root "$1/data"'
    ' --exec-root "$1/exec" --pidfile "$1/pid" -H "unix://$2" --cgroup-parent "/$3"'
)
GRACE = 20.0


class NoDocker(Exception):
    """No Docker can run here."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running dockerd: its socket and its PID."""

    socket: Path
    pid: int

    def command(self, *words: str) -> list[str]:
        """Return a command line of the docker client."""
        return ["docker", "-H", f"unix://{self.socket}", *words]


@contextmanager
def dockerd(scratch: Path) -> Iterator[Daemon]:
    """Run a dockerd as long as the block does; raises NoDocker.

    It has mount, network and PID namespaces of its own: no interface, rule, mount or process
    of it is left, and the forwarding that it switches on is that of its own network.
    """
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise NoDocker("it is not installed" if missing else "dockerd needs root")
    parent, forwarding = f"shellplay-parity-{os.getpid()}", FORWARDING.read_text()
    stored, socket, log = scratch / "dockerd", scratch / "docker.sock", scratch / "dockerd.log"
    stored.mkdir()
    with log.open("wb") as output:
        outer = subprocess.Popen(
            # It ends with its parent, and all its descendants end with it.
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork",
             "--kill-child", "--mount-proc", "sh", "-c", START, "sh", stored, socket, parent],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield _answering(outer, socket, log)
    finally:
        _stop(outer)
        remove_cgroups(parent)
    if forwarding != FORWARDING.read_text():
        raise RuntimeError("net.ipv4.ip_forward of this host has changed")


def _answering(outer: subprocess.Popen[bytes], socket: Path, log: Path) -> Daemon:
    def answers() -> bool:
        if outer.poll() is not None:
            said = log.read_text(errors="replace").strip().splitlines()
            raise NoDocker(f"dockerd ended: {said[-1] if said else 'without a word'}")
        asked = subprocess.run(
            ["docker", "-H", f"unix://{socket}", "version"], capture_output=True, check=False
        )
        return asked.returncode == 0

    wait_until(answers, timeout=60)
    return Daemon(socket, _inner(outer))


def _inner(outer: subprocess.Popen[bytes]) -> int:
    """Return the PID of dockerd, which has PID 1 in its own PID namespace."""
    text = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text()
    return int(text.split()[0])


def _stop(outer: subprocess.Popen[bytes]) -> None:
    if outer.poll() is None:
        with suppress(IndexError, ProcessLookupError, FileNotFoundError):
            os.kill(_inner(outer), signal.SIGTERM)
    try:
        outer.wait(GRACE)
    except subprocess.TimeoutExpired:
        outer.kill()
        outer.wait()


def remove_cgroups(parent: str) -> None:
    """Remove the cgroups of containers below a parent: cgroups outlive every namespace."""
    hierarchies = Path("/sys/fs/cgroup")
    for top in (*hierarchies.glob(parent), *hierarchies.glob(f"*/{parent}")):
        for directory, _, _ in os.walk(top, topdown=False):
            Path(directory).rmdir()
