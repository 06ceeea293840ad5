"""What hostile tests share: interpreters to attack, and a host that stays as it is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.playground.playground import Playground
from tests.hostile.attacks import Interpreters, copied_interpreters, digest
from tests.program.conftest import Run, busybox, run

__all__ = ["busybox", "run"]
OF_THE_HOST = ("/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/proc/sys/kernel/core_pattern")


@pytest.fixture(autouse=True)
def host_as_before(nothing_left: None) -> Iterator[None]:
    """Fail a test that changes the host's own programs or what else an attack would change."""
    programs = (sys.executable, shutil.which("bash") or "/bin/bash", *OF_THE_HOST)
    paths = [Path(each).resolve() for each in programs if Path(each).exists()]
    before = digest(paths)
    yield
    assert digest(paths) == before, f"one of these has changed: {paths}"


@pytest.fixture
def interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Interpreters:
    """Copies of Python and bash that a playground uses in the place of the host's."""
    copies = copied_interpreters(tmp_path / "copies")
    monkeypatch.setattr(sys, "executable", str(copies.python))
    monkeypatch.setenv("PATH", str(copies.bash.parent), prepend=":")
    return copies


@pytest.fixture
def attacked(interpreters: Interpreters) -> Iterator[Playground]:
    """A playground that runs on copies of the interpreters."""
    with Playground() as running:
        yield running


__all__ += ["Run"]
