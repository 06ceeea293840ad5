"""What a container sends does not change how its host reaches the world (CVE-2020-13401)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def changed() -> set[str]:
    """What a hostile container has changed of a host of its own, see neighbour.py."""
    pytest.importorskip("pyroute2")
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("there is no IPv6 here")
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-m", "tests.hostile.neighbour"],
        capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("what", ["address", "route"])
def test_a_container_is_no_router_of_the_host(what: str, changed: set[str]) -> None:
    assert what not in changed


def test_no_setting_of_a_bridge_lets_neighbours_change_the_host(changed: set[str]) -> None:
    assert {each for each in changed if each.startswith("setting")} == set()


def test_the_host_has_no_address_at_the_ports_of_a_bridge(changed: set[str]) -> None:
    assert "port" not in changed


def test_a_container_cannot_send_from_an_address_of_others(changed: set[str]) -> None:
    assert "spoofed" not in changed
