"""shellplay run without a terminal: all that is piped in and out gets there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.playground.playground import Playground
from tests.program.conftest import Run

pytestmark = pytest.mark.everyone

LINE = [sys.executable, "-m", "shellplay", "run", "--network", "none"]
# More than what fits into all pipes on the way.
MUCH = 3_000_000


def piped(script: str, content: bytes = b"") -> tuple[int, bytes]:
    """Run a script with something piped in; return its status and what came out."""
    found = subprocess.run(
        [*LINE, "-i", "host", "sh", "-c", script],
        check=False, input=content, stdout=subprocess.PIPE, timeout=30,
    )  # fmt: skip
    return found.returncode, found.stdout


def test_what_is_piped_in_waits_for_a_program_that_prints_first() -> None:
    status, printed = piped("head -c 200000 /dev/zero; cat", b"x" * MUCH)
    assert status == 0
    assert printed == bytes(200_000) + b"x" * MUCH


def test_a_program_may_leave_unread_what_is_piped_in() -> None:
    assert piped("exec <&-; echo over; exit 4", b"x" * MUCH) == (4, b"over\n")


def spent(script: str) -> float:
    """Run a script for which nobody types; return what the processors had to do, in seconds."""
    reader, writer = os.pipe()
    before = os.times()
    try:
        line = [*LINE, "-i", "host", "sh", "-c", script]
        assert subprocess.run(line, check=False, stdin=reader, timeout=30).returncode == 0
    finally:
        os.close(reader)
        os.close(writer)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def test_nothing_turns_round_while_a_program_does_not_want_what_never_comes() -> None:
    # A start alone takes more than a second where a processor is emulated.
    assert spent("exec <&-; sleep 2") < spent("exec <&-") + 1.5


def test_an_output_that_does_not_wait_gets_all_of_it() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen([*LINE, "host", "seq", "200000"], stdout=writer) as process:
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            assert len(file.read().split()) == 200_000
    assert process.returncode == 0


def test_an_output_that_is_full_is_one_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [*LINE, "host", "echo", "x"], check=False, stdout=full, stderr=subprocess.PIPE
        )
    assert found.returncode == 125
    assert found.stderr.decode() == (
        "shellplay: what goes in or out does not get there: No space left on device\n"
    )


def test_where_nobody_types_a_program_reads_that_at_once(
    run: Run, playground: Playground
) -> None:
    said = run("run -iq --network none host sh -c 'cat; echo over'")
    assert (said.status, said.printed) == (0, "over\n")
