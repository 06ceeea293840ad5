"""A fence that does nothing is noticed by the recipes that claim it, and by looking only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fences.limited import refused
from tests.repl.program import environment

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.everyone
CREDULOUS = """+++
shellplay = 1
needs = { any = ["root", "userns"] }
tags = ["uts"]
+++

```shellplay
play> fence uts
...
<word>: uts fence is up: <...>
...
```
"""


def tried(*recipes: Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m tests.mutations`` on these."""
    return subprocess.run(
        [sys.executable, "-m", "tests.mutations", *map(str, recipes)],
        capture_output=True, text=True, cwd=ROOT, env=environment(), check=False, timeout=600,
    )  # fmt: skip


# Namespaces, the root, a limit where there can be one, a restriction, and what is mounted.
@pytest.mark.parametrize(
    ("number", "claims"), [(2, 1), (8, 2), (12, 1), (16, 1), (17, 1), (23, 3)]
)
def test_a_recipe_that_looks_notices_that_its_fence_does_nothing(
    number: int, claims: int
) -> None:
    done = tried(*(ROOT / "recipes").glob(f"{number:02}-*.play.md"))
    assert done.returncode == 0, done.stdout + done.stderr
    if refused("pids") and number == 16:
        claims = 0
    assert f"{claims} of {claims} claims are true" in done.stdout


def test_a_recipe_that_believes_what_shellplay_says_is_found(tmp_path: Path) -> None:
    path = tmp_path / "credulous.play.md"
    path.write_text(CREDULOUS)
    done = tried(path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT NOTICED" in done.stdout
    assert "0 of 1 claims are true" in done.stdout
