"""What a bridge switches on is put back where it was switched on, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.network import forwarding
from shellplay.network.forwarding import Forwarding, bridge_lock
from tests.network.inside import host

NAME = "ipv4/conf/lo/forwarding"
ANOTHER = f"""
from shellplay.network.forwarding import Forwarding, bridge_lock
share = Forwarding()
with bridge_lock():
    share.start([{NAME!r}])
print("on", flush=True)
input()
with bridge_lock():
    share.end()
"""


@pytest.mark.root
def test_another_network_keeps_its_own_account() -> None:
    if "forwarding" not in host():
        pytest.skip("somebody else here has a bridge just now")
    setting = forwarding.SYSCTLS / NAME
    before = setting.read_text()
    share = Forwarding()
    with bridge_lock():
        share.start([NAME])
    assert setting.read_text() == "1\n"
    words = ["unshare", "-n", sys.executable, "-c", ANOTHER]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "on\n"
        with bridge_lock():
            share.end()
        assert setting.read_text() == before
        other.stdin.write("\n")
    assert other.returncode == 0
    assert not Path("/run/shellplay").exists()
