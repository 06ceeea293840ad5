"""What no namespace parts is parted all the same, or said to be shared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.everyone
ROOT = Path(__file__).parents[2]


def test_a_key_of_the_host_is_found_on_the_host_alone(tmp_path: Path) -> None:
    """A filter is all that keeps a container from it elsewhere: here none is up."""
    unfiltered = "run --rm -q --network none --security-opt seccomp=unconfined host LOOK"
    fenced = ("new", "in LOOK", "exec LOOK", "fence user", "in LOOK", "exec LOOK", unfiltered)
    assert _told(tmp_path, *fenced) == ["nothing"] * 5
    assert _told(tmp_path, "!LOOK") == ["found"]


def _told(directory: Path, *lines: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.keyring", str(directory), *lines],
        capture_output=True, text=True, check=True, timeout=30, cwd=ROOT,
    )  # fmt: skip
    return [word for word in done.stdout.split() if word in ("found", "nothing")]
