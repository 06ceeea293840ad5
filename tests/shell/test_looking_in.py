"""Who is root behind a user fence cannot look into what we send in there, CVE-2019-5736."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from tests.waiting import wait_until

pytestmark = pytest.mark.root
SPY = """
import os, sys
left = int(sys.argv[1])
print("ready", flush=True)
seen = {"1", str(os.getpid())}
while left:
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or pid in seen:
            continue
        try:
            if "python" not in os.readlink(f"/proc/{pid}/exe"):
                continue
            os.close(os.open(f"/proc/{pid}/exe", os.O_RDONLY))
            print("opened", flush=True)
        except PermissionError:
            print("closed", flush=True)
        except OSError:
            continue
        seen.add(pid)
        left -= 1
"""


@pytest.fixture
def told(container: Container, tmp_path: Path) -> Path:
    """What is told by somebody inside who looks into each new process of ours, up to two."""
    for kind in ("user", "mnt", "pid"):
        container.fence(REGISTRY[kind]())
    for each in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        each.chmod(0o755)
    (tmp_path / "spy.py").write_text(SPY)
    container.run(f"python3 {tmp_path}/spy.py 2 >{tmp_path}/told &")
    wait_until(lambda: (tmp_path / "told").read_text() == "ready\n", "somebody who looks")
    return tmp_path / "told"


def test_who_mounts_is_not_looked_into(container: Container, told: Path) -> None:
    def seen() -> bool:
        container.files.mount(None, "/mnt")
        container.files.unmount("/mnt")
        return len(told.read_text().split()) == 3

    wait_until(seen, "two of those who mount")
    assert told.read_text().split() == ["ready", "closed", "closed"]


def test_who_runs_beside_is_not_looked_into_before(container: Container, told: Path) -> None:
    def seen() -> bool:
        container.exec(["true"], terminal=False)
        return len(told.read_text().split()) == 3

    wait_until(seen, "two of those who run")
    assert "opened" not in told.read_text()
