"""What leaves a bridge has the address of the host, and nothing comes back but answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.network.inside import needs_nft

pytestmark = pytest.mark.root
ROOT = Path(__file__).parents[2]


DROPPING = (
    "add table ip filter; "
    "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }"
)


def asked(*firewall: str) -> list[str]:
    """Return what tests.network.upstream prints, on a host of its own."""
    pytest.importorskip("pyroute2")
    words = ["unshare", "-n", sys.executable, "-m", "tests.network.upstream", *firewall]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_who_is_asked_from_inside_sees_the_address_of_the_host() -> None:
    assert asked()[:2] == ["198.51.100.2", "2001:db8::2"]


def test_what_is_not_published_is_reached_by_the_host_alone() -> None:
    answers = [line.partition(" ")[2] for line in asked()[2:]]
    assert answers == ["is reached"] * 2 + ["is not reached"] * 2


def test_a_firewall_that_drops_it_is_named_with_what_lets_it_through() -> None:
    needs_nft()
    note, *answers = asked(DROPPING)[:3]
    assert note.startswith(
        "a firewall drops what is forwarded, so nothing gets out (nft 'insert"
    )
    assert answers == ["198.51.100.2", "2001:db8::2"]
