"""A stub makes the calls that it is told, and becomes the program that it is told."""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.errors import KernelError, ShellGone
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.caller import Argument
from shellplay.kernel.constants import AF_UNIX, CLONE_NEWUTS, SOCK_CLOEXEC, SOCK_DGRAM
from shellplay.kernel.stub import Stub, awaited, pair
from shellplay.kernel.stub_messages import Answer, decoded, encoded
from tests.kernel.children import state
from tests.waiting import wait_until

PROGRAM = """
import socket, sys
from shellplay.kernel.stub_process import serve
serve(socket.socket(fileno=int(sys.argv[1])))
"""
Process = subprocess.Popen[bytes]


@pytest.fixture
def process() -> Iterator[tuple[Process, socket.socket]]:
    """A process that serves as a stub, and our end of its link."""
    ours, theirs = pair()
    with ours, theirs:
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        theirs.close()
        with child:
            yield child, ours
            child.kill()


@pytest.fixture
def stub(process: tuple[Process, socket.socket]) -> Stub:
    """Our end of a stub that is ready."""
    return awaited(process[1])


@given(
    st.one_of(
        st.none(), st.integers(-(2**63), 2**64 - 1), st.binary(), st.binary().map(bytearray)
    )
)
def test_arguments_of_every_kind_arrive_as_they_were(argument: Argument) -> None:
    found = decoded(encoded(argument))
    assert (type(found), found) == (type(argument), argument)


def test_what_is_neither_buffer_nor_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        decoded(("code", b"\0"))


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9), st.lists(st.binary(), max_size=3)
)
def test_an_answer_arrives_as_it_was(results: list[int], buffers: list[bytes]) -> None:
    found = Answer.unpacked(Answer(results, buffers, "close_range").packed())
    assert (list(found.results), list(found.buffers)) == (results, buffers)
    assert found.call == "close_range"


@given(st.binary(max_size=40))
def test_bytes_that_are_no_answer_are_refused_or_data(message: bytes) -> None:
    try:
        found = Answer.unpacked(message)
    except ValueError:
        return
    assert all(isinstance(each, int) for each in found.results)


@pytest.mark.everyone
def test_the_stub_makes_the_call_and_answers(
    process: tuple[Process, socket.socket], stub: Stub
) -> None:
    assert stub.pid == stub.getpid() == process[0].pid
    stub.chdir("/usr")
    assert Path(f"/proc/{stub.pid}/cwd").readlink() == Path("/usr")
    with pytest.raises(KernelError) as caught:
        stub.chdir("/no such")
    assert (caught.value.call, caught.value.errno) == ("chdir", errno.ENOENT)
    assert stub.getpid() == stub.pid, "it goes on after a failure"


def test_what_a_call_fills_comes_back(stub: Stub) -> None:
    ends = bytearray(8)
    stub.call("socketpair", AF_UNIX, SOCK_DGRAM, 0, ends)
    assert set(struct.unpack("ii", ends)) <= set(procfs.fds(stub.pid))


def test_a_descriptor_is_lent_for_the_block_or_given_for_good(stub: Stub) -> None:
    reader, writer = os.pipe()
    try:
        with stub.passed(writer) as number:
            assert procfs.fds(stub.pid)[number] == procfs.fds()[writer]
            assert stub.call("write", number, b"lent", 4) == 4
        assert procfs.fds()[writer] not in procfs.fds(stub.pid).values()
        kept = stub.give(writer)
        assert stub.call("write", kept, b" given", 6) == 6
        os.close(writer)
        assert os.read(reader, 99) == b"lent given"
    finally:
        os.close(reader)


def test_a_stub_that_sends_descriptors_cannot_give_us_any(stub: Stub) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        before = procfs.fds()
        socket.send_fds(theirs, [Answer([7]).packed()], [theirs.fileno()])
        assert Stub(ours, 1).getpid() == 7
        assert procfs.fds() == before


@pytest.mark.root
def test_a_copy_of_a_stub_has_new_namespaces_and_is_a_stub(stub: Stub) -> None:
    with stub.forked(CLONE_NEWUTS) as (copy, inside):
        assert copy.getpid() == copy.pid == inside != stub.pid
        assert procfs.children(stub.pid) == [inside]
        assert namespaces.identify(inside, "uts") != namespaces.identify("self", "uts")
        copy.quit()
        stub.reap(inside)


# -- the end ------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [Stub.getpid, lambda stub: stub.give(0)])
def test_a_stub_that_has_died_is_gone(
    process: tuple[Process, socket.socket], stub: Stub, ask: Callable[[Stub], object]
) -> None:
    os.kill(stub.pid, signal.SIGKILL)
    process[0].wait()
    with pytest.raises(ShellGone, match=f"the starting process {stub.pid} has ended"):
        ask(stub)


def test_a_stub_that_dies_before_it_forks_leaves_no_descriptor(
    stub: Stub, process: tuple[Process, socket.socket]
) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    process[0].kill()
    process[0].wait()
    # The error keeps the frames, and with them whatever they did not close.
    with pytest.raises(ShellGone) as caught, stub.forked():
        pass
    assert len([*Path("/proc/self/fd").iterdir()]) == before, caught.value


@pytest.mark.parametrize("ask", [Stub.getpid, lambda stub: stub.execute(["true"], change={})])
def test_a_stub_that_dies_before_it_has_read_is_gone(ask: Callable[[Stub], object]) -> None:
    ours, theirs = pair()

    def die() -> None:
        select([theirs], [], [])
        theirs.close()

    dying = threading.Thread(target=die)
    dying.start()
    with ours, pytest.raises(ShellGone, match="the starting process 77 has ended"):
        ask(Stub(ours, 77))
    dying.join()


def test_a_stub_that_dies_before_its_first_word_is_gone() -> None:
    ours, theirs = pair()
    theirs.close()
    with ours, pytest.raises(ShellGone):
        awaited(ours)


def test_a_stub_ends_when_we_hang_up_or_talk_nonsense(
    process: tuple[Process, socket.socket], stub: Stub
) -> None:
    with stub.forked() as (copy, inside):
        copy._send("sing")
    wait_until(lambda: state(inside) == "Z", "the end of who was talked nonsense to")
    stub.reap(inside)
    copy.quit()
    stub.quit()
    assert process[0].wait() == 0


def test_a_message_that_is_too_long_says_so_and_the_stub_lives(stub: Stub) -> None:
    with pytest.raises(KernelError, match="EMSGSIZE") as error:
        stub.execute(["echo", "x" * 250_000], change={})
    assert error.value.fix == "give it at most 200000 bytes, and the rest in a file"
    assert stub.getpid() == stub.pid


# -- becoming a program -------------------------------------------------------------------


def output(process: tuple[Process, socket.socket]) -> bytes:
    """Return what the program says until its end."""
    said, complaints = process[0].communicate()
    assert complaints == b""
    return said


@pytest.mark.everyone
def test_it_becomes_a_program_with_that_environment_and_those_words(
    process: tuple[Process, socket.socket], stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["sh", "-c", 'printf "%s|" $$ "$NEW" "${HOME-none}" "$@"', "sh", "a b", "\udcff"]
    stub.execute(words, change={"NEW": "ä"}, remove=["HOME"])
    assert output(process) == b"%d|\xc3\xa4|none|a b|\xff|" % stub.pid


def test_of_the_descriptors_only_those_to_keep_stay_open(
    process: tuple[Process, socket.socket], stub: Stub
) -> None:
    stub.call("socketpair", AF_UNIX, SOCK_DGRAM, 0, bytearray(8))
    kept = stub.call("socket", AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    stub.execute(["sleep", "1000"], change={}, keep=[kept])
    wait_until(lambda: procfs.arguments(stub.pid) == ("sleep", "1000"), "the program")
    # The dynamic loader has files open for a moment.
    wait_until(lambda: set(procfs.fds(stub.pid)) == {0, 1, 2, kept}, "only those to keep")


@pytest.mark.parametrize(
    ("program", "number"),
    [
        ("no such program", errno.ENOENT),
        ("/no such/program", errno.ENOENT),
        ("/proc/self/status", errno.EACCES),
        ("/", errno.EACCES),
    ],
)
def test_what_cannot_be_executed_gives_its_errno_and_the_program(
    stub: Stub, program: str, number: int
) -> None:
    with pytest.raises(KernelError) as caught:
        stub.execute([program], change={})
    error = caught.value
    assert (error.call, error.errno, error.subject) == ("execve", number, program)


def test_a_program_is_looked_for_in_every_directory_of_the_path(
    process: tuple[Process, socket.socket], stub: Stub, tmp_path: Path
) -> None:
    (tmp_path / "hello").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "hello").chmod(0o755)
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "hello").touch()
    path = f"/no such:/etc/passwd:{tmp_path}/earlier:{tmp_path}:/bin"
    stub.execute(["hello"], change={"PATH": path})
    assert output(process) == b"hello\n"


def test_no_signal_is_ignored_or_blocked_in_the_program(
    process: tuple[Process, socket.socket], stub: Stub
) -> None:
    stub.execute(["cat", "/proc/self/status"], change={})
    rows = output(process).decode().splitlines()
    masks = [row.split()[1] for row in rows if row.startswith(("SigB", "SigI", "SigC"))]
    assert len(masks) == 3
    assert {int(mask, 16) for mask in masks} == {0}
