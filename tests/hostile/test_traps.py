"""A signal from inside is not taken for the end of a call that is made by ptrace(2)."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from shellplay.kernel.seize import seized

pytestmark = [pytest.mark.everyone, pytest.mark.ptrace]


@pytest.fixture
def victim() -> Iterator[int]:
    """A process that waits, as a bash does at its prompt."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


def test_a_trap_that_a_program_sends_is_not_that_of_the_call(victim: int) -> None:
    with seized(victim) as tracee:
        for _ in range(10):
            os.kill(victim, signal.SIGTRAP)
            assert tracee.getpid() == victim


def test_a_trap_that_a_program_sends_does_not_end_many_calls(victim: int) -> None:
    with seized(victim) as tracee:
        for _ in range(10):
            os.kill(victim, signal.SIGTRAP)
            with tracee.together() as results:
                for _ in range(6):
                    tracee.getpid()
            assert results == [victim] * 6
