"""Children for the tests of the kernel layer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.children import Start, asleep, starting


@pytest.fixture
def start() -> Iterator[Start]:
    """``start(*words)`` starts a process, see tests.kernel.children."""
    with starting() as run:
        yield run


@pytest.fixture
def sleeper(start: Start) -> int:
    """The PID of a process that sleeps in one system call."""
    return asleep(start("sleep", "1000"))
