"""What a process was doing when it was stopped for a call, and what comes to it meanwhile."""

from __future__ import annotations

import hashlib
import os
import signal

import pytest

from shellplay.kernel.seize import seized
from tests.kernel.children import Start, asleep, read_line, say, state
from tests.waiting import wait_until

# Python repeats an interrupted call by itself; the C library does not.
BLOCKED = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
class Pair(ctypes.Structure):
    _fields_ = (("first", ctypes.c_long), ("second", ctypes.c_long))
one = ctypes.byref(Pair(1, 0))
input = ctypes.byref(Pair(1 << 32, 0))  # a struct pollfd: descriptor 0, POLLIN
moment = ctypes.byref(Pair(0, 20_000_000))
os.write(1, b"ready\\n")
result = eval(sys.argv[1], globals())
print(result, ctypes.get_errno(), flush=True)
os.read(0, 1)
"""
WORDS = {
    "read": "libc.read(0, ctypes.create_string_buffer(9), 9)",
    "select": "libc.select(1, one, None, None, None)",
    "poll": "libc.poll(input, 1, -1)",
    "poll with a limit": "libc.poll(input, 1, 90_000)",
    "pselect": "libc.pselect(1, one, None, None, None, None)",
}
# Reads the numbers of its signals from a pipe: a handler of Python that comes right before a
# call that waits is run only after that call.
ECHO = """
import os, signal
readable, writable = os.pipe()
os.set_blocking(writable, False)
signal.set_wakeup_fd(writable)
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
    signal.signal(number, lambda number, frame: None)
os.write(1, b"ready\\n")
while True:
    for number in os.read(readable, 100):
        os.write(1, b"%d\\n" % number)
"""
# Computes until it may read a line; prints how often it has, and the result.
BUSY = """
import hashlib, os, select
text, rounds = b"", 0
os.write(1, b"ready\\n")
while not rounds or not select.select([0], [], [], 0)[0]:
    for _ in range(1000):
        text = hashlib.sha256(text).digest()
    rounds += 1000
os.write(1, f"{rounds} {text.hex()}\\n".encode())
"""


@pytest.mark.everyone
@pytest.mark.parametrize("word", WORDS)
def test_a_call_that_waits_for_input_goes_on_waiting(start: Start, word: str) -> None:
    child = start(BLOCKED, WORDS[word])
    for _ in range(3):
        with seized(asleep(child)) as tracee:
            assert tracee.getpid() == child.pid
            tracee.chdir("/")
    say(child, b"x")
    assert read_line(child) == "1 0"


def test_a_call_that_waits_for_a_time_waits_for_the_rest_of_it(start: Start) -> None:
    child = start(BLOCKED, "{libc.nanosleep(moment, None) for _ in range(10)}")
    for _ in range(50):
        with seized(child.pid) as tracee:
            tracee.chdir("/")
    assert read_line(child) == "{0} 0"


def test_a_call_that_waits_for_a_child_goes_on_waiting(start: Start) -> None:
    child = start("sh", "-c", "sleep 1000 & echo $!; wait $!; echo status $?")
    sleeper = int(read_line(child))
    with seized(asleep(child)) as tracee:
        tracee.chdir("/")
    os.kill(sleeper, signal.SIGTERM)
    assert read_line(child) == "status 143"


def test_the_call_that_was_interrupted_is_named(start: Start) -> None:
    child = start(BLOCKED, WORDS["read"])
    with seized(asleep(child)) as tracee:
        assert tracee.interrupted_call() == "read"
        tracee.getpid()
        assert tracee.interrupted_call() == "read"


def test_who_computes_goes_on_to_the_right_result(start: Start) -> None:
    child = start(BUSY)
    for _ in range(25):
        with seized(child.pid) as tracee:
            tracee.chdir("/")
    say(child, b"enough\n")
    rounds, result = read_line(child).split()
    text = b""
    for _ in range(int(rounds)):
        text = hashlib.sha256(text).digest()
    assert result == text.hex()


# -- signals ------------------------------------------------------------------------------


@pytest.mark.everyone
def test_signals_that_come_meanwhile_are_delivered_afterwards(start: Start) -> None:
    child = start(ECHO)
    with seized(asleep(child)) as tracee:
        os.kill(child.pid, signal.SIGHUP)
        tracee.chdir("/")
        os.kill(child.pid, signal.SIGINT)
        os.kill(child.pid, signal.SIGUSR1)
        tracee.chdir("/")
        os.kill(child.pid, signal.SIGTERM)
        assert tracee.getpid() == child.pid
    assert sorted(int(read_line(child)) for _ in range(4)) == [1, 2, 10, 15]


def test_no_signal_is_lost_that_comes_while_the_process_is_being_seized(start: Start) -> None:
    child = start(ECHO)
    for _ in range(100):
        os.kill(child.pid, signal.SIGUSR1)
        with seized(child.pid):
            pass
        assert read_line(child) == "10"


def test_a_signal_that_ends_the_process_ends_it_afterwards(start: Start) -> None:
    child = start("sleep", "1000")
    with seized(asleep(child)) as tracee:
        os.kill(child.pid, signal.SIGTERM)
        assert tracee.getpid() == child.pid
        assert tracee.getpid() == child.pid
    assert child.wait() == -signal.SIGTERM


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_who_is_told_to_stop_meanwhile_stops_afterwards(start: Start, calls: int) -> None:
    child = start("sleep", "1000")
    with seized(asleep(child)) as tracee:
        os.kill(child.pid, signal.SIGSTOP)
        for _ in range(calls):
            assert tracee.getpid() == child.pid
    wait_until(lambda: state(child.pid) == "T", "the stop")
    os.kill(child.pid, signal.SIGCONT)
    asleep(child)


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_who_shall_be_left_stopped_is(start: Start, calls: int) -> None:
    child = start(ECHO)
    with seized(asleep(child)) as tracee:
        for _ in range(calls):
            assert tracee.getpid() == child.pid
        os.kill(child.pid, signal.SIGUSR1)
        tracee.stop_on_exit = True
    wait_until(lambda: state(child.pid) == "T", "the stop")
    os.kill(child.pid, signal.SIGCONT)
    assert read_line(child) == "10"


@pytest.mark.everyone
def test_who_is_stopped_makes_calls_and_stays_stopped(start: Start) -> None:
    child = start(ECHO)
    os.kill(asleep(child), signal.SIGSTOP)
    wait_until(lambda: state(child.pid) == "T", "the stop")
    for _ in range(3):
        with seized(child.pid) as tracee:
            assert tracee.getpid() == child.pid
            os.kill(child.pid, signal.SIGUSR1)
            tracee.chdir("/")
        wait_until(lambda: state(child.pid) == "T", "the stop")
    os.kill(child.pid, signal.SIGCONT)
    assert read_line(child) == "10"
    asleep(child)
