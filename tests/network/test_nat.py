"""What leaves a bridge has the address of the host, and answers come back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root
ROOT = Path(__file__).parents[2]


def test_who_is_asked_from_inside_sees_the_address_of_the_host() -> None:
    pytest.importorskip("pyroute2")
    words = ["unshare", "-n", sys.executable, "-m", "tests.network.upstream"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["198.51.100.2", "2001:db8::2"]
