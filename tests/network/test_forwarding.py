"""What a bridge switches on is put back where it was switched on, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.network import forwarding
from shellplay.network.forwarding import DIRECTORY, PREFIX, Forwarding, bridge_lock
from tests.network.inside import account
from tests.waiting import wait_until

NAME = "ipv4/conf/lo/forwarding"
ANOTHER = f"""
from shellplay.network.forwarding import Forwarding, bridge_lock
share = Forwarding()
with bridge_lock():
    share.start([{NAME!r}])
print(share._state_file, flush=True)
input()
with bridge_lock():
    share.end()
"""


@pytest.mark.root
def test_another_network_keeps_its_own_account() -> None:
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
        theirs = Path(other.stdout.readline().rstrip())
        assert theirs.exists()
        with bridge_lock():
            share.end()
        assert setting.read_text() == before
        other.stdin.write("\n")
    assert other.returncode == 0
    assert not account().exists()
    assert not theirs.exists()
    # A neighbour may have one, and then the directory stays.
    wait_until(
        lambda: not DIRECTORY.exists() or [*DIRECTORY.glob(f"{PREFIX}*")], "the end of the last"
    )
