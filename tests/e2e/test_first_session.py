"""The session that the README tells, from start to end, as root and as an ordinary user."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import Terminal

pytestmark = pytest.mark.e2e

SPAWNED = re.compile(r"\[\d\] (\d+) on the host, (\d+) inside")


def done(terminal: Terminal, line: str) -> str:
    """Run a line that must succeed and return its output."""
    status, output = terminal.run(line)
    assert status == 0, output
    return output


def processes(terminal: Terminal) -> dict[int, dict[str, Any]]:
    """Return what ``ps host`` knows, by host PID."""
    document = json.loads(done(terminal, "ps host --json"))
    return {each["pid"]: each for each in document["processes"]}


def parent_on_the_host(pid: int) -> int:
    """Return what the kernel says, whatever we print."""
    return int(re.findall(r"PPid:\t(\d+)", Path(f"/proc/{pid}/status").read_text())[0])


def build_web(terminal: Terminal) -> list[int]:
    """Put three fences round a bash with four children; return their host PIDs."""
    done(terminal, "new web")
    assert "pid fence is up: bash is PID 1 inside" in done(terminal, "fence pid")
    assert "/proc is fresh" in done(terminal, "fence mnt")
    done(terminal, "fence uts hostname=web")
    inside = [line.split() for line in done(terminal, "in ps -eaf").splitlines()[1:]]
    assert [words[1] for words in inside if words[-1] == "bash"] == ["1"]
    assert len(inside) == 2, inside
    started = [done(terminal, "spawn sleep 1000 &") for _ in range(4)]
    matches = [SPAWNED.search(line) for line in started]
    return [int(match[1]) for match in matches if match]


@pytest.mark.everyone
def test_the_first_session_from_start_to_end(terminal: Terminal) -> None:
    sleeps = build_web(terminal)
    known = processes(terminal)
    bash = parent_on_the_host(sleeps[0])
    assert {parent_on_the_host(pid) for pid in sleeps} == {bash}
    assert known[bash]["role"] == "shell"
    assert known[bash]["inside"][-1] == 1
    assert [known[pid]["role"] for pid in sleeps] == ["job"] * 4
    above = known[bash]
    while above["role"] in ("shell", "parked"):
        above = known[above["ppid"]]
    assert (above["role"], above["ppid"]) == ("playground", terminal.pid)

    done(terminal, "new db")
    assert {each["container"] for each in processes(terminal).values()} == {None, "web", "db"}
    done(terminal, "use web")
    terminal.send("enter\r")
    terminal.expect(r"root@web:[^\r\n]*# ")
    terminal.send("x=41; cd /usr\r")
    terminal.expect(r"root@web:/usr# ")
    terminal.control("]")
    terminal.ready()

    assert re.search("(not behind it|stays outside).*sleep 1000", done(terminal, "fence net"))
    assert "lo:" in done(terminal, "in cat /proc/self/net/dev")
    done(terminal, "peel net")
    assert done(terminal, "in echo $((x+1)) $PWD; jobs | wc -l") == "42 /usr\n4\n"

    status, refusal = terminal.run("peel pid")
    assert (status, "would end 4 jobs" in refusal) == (1, True), refusal
    for number in range(1, 5):
        done(terminal, f"kill %{number}")
    assert "variable x" in done(terminal, "peel pid")
    assert done(terminal, "in echo $x $PWD") == "41 /usr\n"
    terminal.send("quit\r")
    assert terminal.ended() == 0
