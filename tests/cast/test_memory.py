"""A cast is written, read and played in the memory of one event, however long it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTE = 1_000_000
# In a process of its own: its greatest size ever is what the kernel tells.
PROGRAM = r"""
import dataclasses, re, sys
from pathlib import Path
from shellplay.cast.asciicast import Writer
from shellplay.cast.events import Output
from shellplay.cast.player import play
from shellplay.cast.reader import Reader

LINE = "\x1b[32mgreen\x1b[0m and \u2500 " + "x" * 970 + "\n"

def peak():
    return int(re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1])

def pass_through(outputs):
    with open(sys.argv[1], "wb") as file:
        writer = Writer(file)
        for number in range(outputs):
            writer(Output(number / 1000, LINE))
    written = 0
    def count(text):
        nonlocal written
        written += len(text)
    with open(sys.argv[1], "rb") as file:
        at_once = (dataclasses.replace(event, time=0.0) for event in Reader(file))
        assert play(at_once, count)
    assert written > outputs * len(LINE)

pass_through(100)
before = peak()
pass_through(int(sys.argv[2]))
print(peak() - before)
"""


@pytest.mark.parametrize(
    "megabytes",
    [
        pytest.param(10),
        pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
def test_memory_does_not_grow_with_the_cast(tmp_path: Path, megabytes: int) -> None:
    path = tmp_path / "long.cast"
    command = [sys.executable, "-c", PROGRAM, str(path), str(megabytes * 1000)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert path.stat().st_size > megabytes * MEGABYTE
    assert int(done.stdout) < 4_000  # kB
    path.unlink()
