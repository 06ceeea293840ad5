"""A network of a container has the ways in and out that were asked for, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.network import rootless

LOOPBACK = "0100007F"


@pytest.mark.everyone
def test_a_published_port_is_open_on_the_loopback_alone(container: Container) -> None:
    """CVE-2021-4024: a port that was published on every address."""
    container.fence(REGISTRY["net"]())
    port = container.network.publish("80")
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A"}
    assert {each for each in listening if each.endswith(f":{port.host:04X}")} == {
        f"{LOOPBACK}:{port.host:04X}"
    }
    others = Path("/proc/net/tcp6")
    assert not others.exists() or f":{port.host:04X} " not in others.read_text()


@pytest.mark.parametrize("program", ["pasta", "slirp4netns"])
def test_services_on_the_loopback_of_the_host_are_not_the_gateway_inside(program: str) -> None:
    """pasta and slirp4netns lead from the gateway's address to the host, if they are let."""
    words = rootless._arguments(f"/usr/bin/{program}", 1)
    closed = "--no-map-gw" if program == "pasta" else "--disable-host-loopback"
    assert closed in words


def test_what_a_bridge_does_not_keep_from_inside_is_said() -> None:
    assert "services of the host" in " ".join((REGISTRY["net"].__doc__ or "").split())
