"""Who has no cgroup of their own is told how to get one, and everything else works."""

from __future__ import annotations

import pytest

from tests.ordinary import OrdinaryUser


@pytest.mark.root
def test_who_owns_no_cgroup_is_told_how_to_get_one(ordinary_user: OrdinaryUser) -> None:
    program = (
        "from shellplay.fences import REGISTRY\n"
        "from shellplay.playground.playground import Playground\n"
        "with Playground() as playground:\n"
        "    container = playground.new('box')\n"
        "    for order in (lambda: container.fence(REGISTRY['pids'].parse({'max': '50'})),\n"
        "                  container.pause):\n"
        "        try:\n"
        "            order()\n"
        "        except Exception as error:\n"
        "            print(type(error).__name__, error)\n"
        "    print([each.fence for each in container.fences() if each.up])\n"
        "    print(container.run('echo here').output, end='')\n"
    )
    status, output = ordinary_user.run(["-c", program])
    first, second, up, here = output.splitlines()
    for line in (first, second):
        assert line.startswith("Refused only its owner may make a cgroup in /sys/fs/cgroup")
        assert "systemd-run --user" in line or "start shellplay as root" in line
    assert (up, here, status) == ("[]", "here", 0)
