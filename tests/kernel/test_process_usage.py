"""User, processor time, memory and start of processes, beside the kernel's own numbers."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from shellplay.kernel import procfs
from shellplay.kernel.process_usage import UNKNOWN, details
from tests.ordinary import UID

TICKS = os.sysconf("SC_CLK_TCK")
BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


@pytest.mark.everyone
def test_memory_is_that_of_the_status_and_start_is_now() -> None:
    before = time.time()
    with subprocess.Popen(
        ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"loaded\n")
        assert child.stdout.read(7) == b"loaded\n"
        found = details([child.pid])[child.pid]
        status = procfs.status(child.pid)
        assert status is not None
        assert found.memory is not None
        # The kernel adds up what its processors count only now and then.
        assert found.memory // 1024 == pytest.approx(status.rss, abs=512)
        assert found.started is not None
        assert before - 2 < found.started < time.time() + 2
        child.communicate()


@pytest.mark.everyone
def test_cpu_is_the_time_used_divided_by_the_time_that_the_process_has_been_running(
    wait_until: Callable[..., object],
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        wait_until(lambda: (stat := procfs.stat(child.pid)) and stat.state == "S")
        low = share_of_a_processor(child.pid)
        percent = details([child.pid])[child.pid].cpu_percent
        high = share_of_a_processor(child.pid)
        assert percent is not None
        # It waits, so its share gets smaller; a hundredth for the roundings.
        assert high - 1 <= percent <= low + 1
        child.communicate(b"\n")


def share_of_a_processor(pid: int) -> float:
    """Return CPU time by time lived in percent, from /proc/PID/stat."""
    stat = procfs.stat(pid)
    assert stat is not None
    return 100 * stat.ticks / (time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS - stat.start)


@pytest.mark.everyone
def test_the_user_is_the_effective_one_and_a_number_if_it_has_no_name() -> None:
    own = details([os.getpid()])[os.getpid()].user
    try:
        assert own == pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        assert own == str(os.geteuid())


@pytest.mark.root
def test_what_somebody_else_has_started_is_theirs() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=UID) as child:
        assert details([child.pid])[child.pid].user == str(UID)
        child.communicate()


@pytest.mark.everyone
def test_of_a_process_that_has_gone_nothing_is_known() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert details([child.pid]) == {child.pid: UNKNOWN}


@pytest.mark.everyone
def test_a_zombie_has_a_user_and_a_start_and_no_memory(
    wait_until: Callable[..., object],
) -> None:
    with subprocess.Popen(["true"]) as child:
        wait_until(lambda: (found := procfs.stat(child.pid)) and found.state == "Z")
        found = details([child.pid])[child.pid]
        assert found.memory == 0
        assert found.user == details([os.getpid()])[os.getpid()].user
        assert found.started is not None


@pytest.mark.everyone
def test_the_first_process_of_the_host_is_no_secret() -> None:
    assert details([1])[1].user == "root"
