"""A live process makes calls for us, and is afterwards as it was, or properly dead."""

from __future__ import annotations

import errno
import os
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from shellplay.errors import KernelError, Refused, ShellGone
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.call_log import Journal
from shellplay.kernel.constants import AF_UNIX, CLONE_NEWUTS, PR_SET_NAME, SOCK_DGRAM
from shellplay.kernel.explain import ptrace_refusal
from shellplay.kernel.process_tree import kill_quietly
from shellplay.kernel.seize import seized
from shellplay.kernel.tracee import Tracee
from tests.kernel.children import Start, asleep, read_line, say, state
from tests.waiting import wait_until

PARENT = "sleep 1000 & echo $!; wait $!; echo status $?"
TRACER = """
import os, sys
from shellplay.kernel.seize import seized
with seized(int(sys.argv[1])):
    os.write(1, b"ready\\n")
    os.read(0, 1)
"""
THREADS = """
import os, signal, threading
def echo():
    while word := os.read(0, 99):
        os.write(1, word)
threading.Thread(target=echo).start()
os.write(1, b"ready\\n")
signal.pause()
"""
Fork = Callable[[Tracee], AbstractContextManager[tuple[Tracee, int]]]


def registers(pid: int) -> dict[str, int]:
    """Return the registers of a process as it goes on with them."""
    with seized(pid) as tracee:
        return dict(tracee._saved)


@pytest.mark.everyone
def test_the_other_process_makes_the_call(sleeper: int) -> None:
    here = Path.cwd()
    with seized(sleeper) as tracee:
        assert tracee.getpid() == sleeper
        tracee.chdir("/usr")
    assert Path(f"/proc/{sleeper}/cwd").readlink() == Path("/usr")
    assert Path.cwd() == here


@pytest.mark.everyone
def test_a_failed_call_tells_call_errno_and_subject(sleeper: int) -> None:
    with seized(sleeper) as tracee, pytest.raises(KernelError) as caught:
        tracee.chdir("/no such")
    error = caught.value
    assert (error.call, error.errno, error.subject) == ("chdir", errno.ENOENT, "/no such")
    assert str(error) == "chdir (/no such): ENOENT, No such file or directory"


@pytest.mark.everyone
def test_registers_memory_and_descriptors_are_as_before(start: Start) -> None:
    child = start("cat")

    def traces() -> object:
        pid = asleep(child)
        maps = Path(f"/proc/{pid}/maps").read_text()
        return registers(pid), maps, procfs.fds(pid), procfs.arguments(pid)

    before = traces()
    with seized(asleep(child)) as tracee:
        tracee.prctl(PR_SET_NAME, b"renamed")
        with pytest.raises(KernelError), tracee.passed(0):
            tracee.chdir("/no such")
    assert traces() == before


@pytest.mark.everyone
def test_a_descriptor_is_lent_for_the_block(sleeper: int) -> None:
    reader, writer = os.pipe()
    try:
        with seized(sleeper) as tracee:
            with tracee.passed(writer) as number:
                assert procfs.fds(sleeper)[number] == procfs.fds()[writer]
                assert tracee.call("write", number, b"it was me", 9) == 9
            assert number not in procfs.fds(sleeper)
        os.close(writer)
        assert os.read(reader, 99) == b"it was me"
        assert os.read(reader, 99) == b"", "a duplicate of the writing end lives on"
    finally:
        os.close(reader)


def test_what_a_call_fills_comes_back(sleeper: int) -> None:
    ends = bytearray(8)
    with seized(sleeper) as tracee:
        tracee.call("socketpair", AF_UNIX, SOCK_DGRAM, 0, ends)
        made = struct.unpack("ii", ends)
        assert set(made) <= set(procfs.fds(sleeper))
        for each in made:
            tracee.close(each)


def test_the_calls_are_written_down_as_those_of_the_other_process(sleeper: int) -> None:
    with Journal().recording() as journal, seized(sleeper) as tracee:
        tracee.getpid()
    made = [(each.pid, each.name, each.remote) for each in journal.calls()]
    here = os.getpid()
    assert made == [
        (here, "ptrace", False), (sleeper, "getpid", True), (here, "ptrace", False)
    ]  # fmt: skip


def test_the_other_threads_of_a_process_go_on_meanwhile(start: Start) -> None:
    child = start(THREADS)
    asleep(child)
    with seized(child.pid) as tracee:
        assert tracee.getpid() == child.pid
        say(child, b"still here\n")
        assert read_line(child) == "still here"
    assert wait_until(lambda: state(child.pid) == "S")


@pytest.mark.parametrize(
    "error", [Refused("stop it"), KeyboardInterrupt(), ShellGone("another")]
)
def test_a_failure_of_our_own_lets_the_process_go_on(
    sleeper: int, error: BaseException
) -> None:
    def fail() -> None:
        with seized(sleeper) as tracee:
            tracee.getpid()
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert wait_until(lambda: state(sleeper) == "S")
    status = procfs.status(sleeper)
    assert status is not None
    assert status.tracer == 0


# -- refused ------------------------------------------------------------------------------


def test_who_is_traced_already_is_refused_and_goes_on_being_traced(
    start: Start, sleeper: int
) -> None:
    tracer = start(TRACER, str(sleeper))
    with pytest.raises(KernelError) as caught, seized(sleeper):
        pytest.fail("it is traced already")
    assert (caught.value.call, caught.value.errno) == ("ptrace(PTRACE_SEIZE)", errno.EPERM)
    assert ptrace_refusal(sleeper) == (
        f"process {tracer.pid} traces bash already, and only one can"
    )
    say(tracer, b"\n")
    assert tracer.wait() == 0
    with seized(sleeper) as tracee:
        assert tracee.getpid() == sleeper


@pytest.mark.userns
def test_the_process_of_somebody_else_is_refused() -> None:
    with pytest.raises(KernelError) as caught, seized(1):
        pytest.fail("it is root's")
    assert caught.value.errno == errno.EPERM
    assert caught.value.subject == "PID 1"


# -- death --------------------------------------------------------------------------------


@contextmanager
def bereaved(start: Start) -> Iterator[int]:
    """Yield a process that is not ours, and see that its parent hears of its death."""
    parent = start("sh", "-c", PARENT)
    pid = int(read_line(parent))
    try:
        yield pid
        assert read_line(parent) == "status 137"
    except BaseException:
        kill_quietly(pid)
        raise
    assert parent.wait() == 0


@pytest.mark.parametrize("calls", [0, 1])
@pytest.mark.parametrize("more", [0, 1])
def test_who_dies_while_it_is_seized_is_gone_and_its_parent_hears_of_it(
    start: Start, calls: int, more: int
) -> None:
    def die(pid: int) -> None:
        with seized(pid) as tracee:
            for _ in range(calls):
                tracee.chdir("/")
            os.kill(pid, signal.SIGKILL)
            for _ in range(more):
                tracee.chdir("/")

    with bereaved(start) as pid, pytest.raises(ShellGone, match=f"process {pid} has ended"):
        die(pid)


def test_who_dies_of_a_call_of_its_own_is_gone_and_its_parent_hears_of_it(
    start: Start,
) -> None:
    with bereaved(start) as pid, pytest.raises(ShellGone), seized(pid) as tracee:
        tracee.call("kill", pid, signal.SIGKILL)


def test_who_has_ended_before_is_gone(start: Start) -> None:
    child = start("true")
    wait_until(lambda: state(child.pid) == "Z", "the zombie")
    with pytest.raises(ShellGone), seized(child.pid):
        pytest.fail("it is a zombie")
    child.wait()
    with pytest.raises(ShellGone), seized(child.pid):
        pytest.fail("it is nobody")


# -- copies -------------------------------------------------------------------------------


def end_copy(pid: int, copy: int) -> None:
    """Kill a copy and let the original reap it."""
    os.kill(copy, signal.SIGKILL)
    wait_until(lambda: state(copy) == "Z", "the zombie")
    with seized(pid) as tracee:
        tracee.reap(copy)


def fork(tracee: Tracee) -> AbstractContextManager[tuple[Tracee, int]]:
    """Fork once."""
    return tracee.forked()


def fork_by_way_of(tracee: Tracee) -> AbstractContextManager[tuple[Tracee, int]]:
    """Fork by way of a copy that has moved."""
    return tracee.forked_by_way_of(lambda between: between.chdir("/usr"))


def test_a_copy_goes_on_where_the_original_was_interrupted(sleeper: int) -> None:
    with seized(sleeper) as tracee, tracee.forked() as (copy, inside):
        assert copy.getpid() == copy.pid == inside != sleeper
    assert procfs.children(sleeper) == [inside]
    wait_until(lambda: state(inside) == state(sleeper) == "S", "both to sleep")
    end_copy(sleeper, inside)


@pytest.mark.root
def test_a_copy_by_way_of_another_has_what_that_one_had_and_the_original_has_not(
    sleeper: int,
) -> None:
    name = os.uname().nodename

    def turn(between: Tracee) -> None:
        between.unshare(CLONE_NEWUTS)
        between.sethostname("elsewhere")
        between.chdir("/usr")

    with seized(sleeper) as tracee, tracee.forked_by_way_of(turn) as (copy, inside):
        assert namespaces.identify(copy.pid, "uts") != namespaces.identify("self", "uts")
    assert procfs.children(sleeper) == [inside]
    assert Path(f"/proc/{inside}/cwd").readlink() == Path("/usr")
    assert Path(f"/proc/{sleeper}/cwd").readlink() != Path("/usr")
    assert os.uname().nodename == name
    end_copy(sleeper, inside)


def fail(copy: Tracee) -> None:
    """Make a call that is refused."""
    copy.chdir("/no such")


def die(copy: Tracee) -> None:
    """Be killed before a call."""
    os.kill(copy.pid, signal.SIGKILL)
    copy.chdir("/")


@pytest.mark.parametrize("way", [fork, fork_by_way_of])
@pytest.mark.parametrize(("work", "error"), [(fail, KernelError), (die, ShellGone)])
def test_if_the_work_on_a_copy_fails_the_copy_ends_and_the_original_goes_on(
    start: Start, way: Fork, work: Callable[[Tracee], None], error: type[Exception]
) -> None:
    def work_on_copy(pid: int) -> None:
        with seized(pid) as tracee, way(tracee) as (copy, _):
            work(copy)

    with bereaved(start) as pid:
        with pytest.raises(error, match=r"no such|has ended"):
            work_on_copy(pid)
        assert wait_until(lambda: state(pid) == "S")
        assert procfs.children(pid) == []
        os.kill(pid, signal.SIGKILL)
