"""Calls whose results we do not need at once are made together, whoever makes them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.errors import KernelError
from shellplay.kernel import mount, procfs
from shellplay.kernel.call_log import Journal
from shellplay.kernel.caller import Caller
from shellplay.kernel.constants import AT_FDCWD, PR_SET_NO_NEW_PRIVS
from shellplay.kernel.here import HERE
from shellplay.kernel.seccomp import Action, Condition, Rule, Rules, compiled
from shellplay.kernel.seize import seized
from shellplay.playground.playground import Playground
from tests.kernel.children import Start, asleep


@pytest.fixture(params=["here", "stub", "tracee"])
def caller(request: pytest.FixtureRequest, playground: Playground) -> Iterator[Caller]:
    """Each of the three that make calls for us."""
    if request.param == "here":
        yield HERE
        return
    container = playground.new("box")
    if request.param == "tracee":
        with seized(container.pid) as tracee:
            yield tracee
        return
    stub = container.monitor.stub()
    yield stub
    stub.quit()


def test_none_is_made_before_the_end_of_the_block_and_then_all_are(
    caller: Caller, tmp_path: Path
) -> None:
    with caller.together() as results:
        mount.mkdirat(caller, str(tmp_path / "one"))
        mount.mkdirat(caller, str(tmp_path / "one" / "two"))
        caller.getpid()
        assert (list(tmp_path.iterdir()), results) == ([], [])
    assert (tmp_path / "one" / "two").is_dir()
    assert results == [0, 0, caller.pid]


def test_what_fails_ends_it_and_what_was_made_before_is_told(
    caller: Caller, tmp_path: Path
) -> None:
    told: list[int] = []

    def make() -> None:
        nonlocal told
        with caller.together() as told:
            for path in ("one", "none/two", "three"):
                mount.mkdirat(caller, str(tmp_path / path))

    with pytest.raises(KernelError, match="mkdirat") as refused:
        make()
    assert refused.value.errno == errno.ENOENT
    assert told == [0]
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_many_are_made_up_to_the_first_that_fails(caller: Caller, tmp_path: Path) -> None:
    told: list[int] = []

    def make() -> None:
        nonlocal told
        with caller.together() as told:
            for name in (*"abcdefgh", "none/i", "j"):
                mount.mkdirat(caller, str(tmp_path / name))

    with pytest.raises(KernelError, match="mkdirat") as refused:
        make()
    assert refused.value.errno == errno.ENOENT
    assert told == [0] * 8
    assert sorted(each.name for each in tmp_path.iterdir()) == list("abcdefgh")


def test_a_process_that_may_not_run_written_code_makes_many_one_by_one(
    start: Start, tmp_path: Path
) -> None:
    child = start("cat")
    no_code = Rules(
        Action("allow"),
        (Rule(("mmap",), Action("errno"), (Condition(2, "MASKED_EQ", 4, 4),)),),
    )
    with seized(asleep(child)) as tracee:
        tracee.prctl(PR_SET_NO_NEW_PRIVS, 1)
        tracee.seccomp(compiled(no_code))
        with tracee.together() as results:
            for name in "abcdefgh":
                mount.mkdirat(tracee, str(tmp_path / name))
    assert results == [0] * 8
    assert len(list(tmp_path.iterdir())) == 8


def test_if_the_block_fails_none_is_made(caller: Caller, tmp_path: Path) -> None:
    def make() -> None:
        with caller.together():
            mount.mkdirat(caller, str(tmp_path / "one"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make()
    assert list(tmp_path.iterdir()) == []
    assert caller.getpid() == caller.pid


def test_each_is_written_down(caller: Caller, tmp_path: Path) -> None:
    with Journal().recording() as journal, caller.together():
        mount.mkdirat(caller, str(tmp_path / "one"))
        caller.getpid()
    # A process that is traced is given memory first.
    assert [(each.name, each.result) for each in journal.calls()][-2:] == [
        ("mkdirat", 0),
        ("getpid", caller.pid),
    ]


def test_a_call_takes_what_an_earlier_one_of_the_block_returns(
    caller: Caller, tmp_path: Path
) -> None:
    with caller.together() as results:
        fd = caller.openat2(AT_FDCWD, str(tmp_path), os.O_PATH, 0)
        caller.call("mkdirat", fd, b"one", 0o755)
        caller.close(fd)
    assert (tmp_path / "one").is_dir()
    assert results[1:] == [0, 0]
    assert results[0] not in procfs.fds(caller.pid)


def test_what_was_opened_before_a_failure_is_closed(caller: Caller, tmp_path: Path) -> None:
    before = procfs.fds(caller.pid)

    def make() -> None:
        with caller.together():
            mask = mount.umask(caller, 0)
            fd = caller.openat2(AT_FDCWD, str(tmp_path), os.O_PATH, 0)
            mount.mkdirat(caller, str(tmp_path / "none" / "one"))
            other = caller.openat2(AT_FDCWD, str(tmp_path), os.O_PATH, 0)
            for each in (fd, other):
                caller.close(each)
            mount.umask(caller, mask)

    with pytest.raises(KernelError, match="mkdirat"):
        make()
    assert procfs.fds(caller.pid) == before
    mask = mount.umask(caller, 0o022)
    mount.umask(caller, mask)
    assert mask != 0


def test_an_accepted_errno_does_not_end_the_block(caller: Caller, tmp_path: Path) -> None:
    with caller.together() as results:
        mount.mkdirat(caller, str(tmp_path), exist_ok=True)
        mount.mkdirat(caller, str(tmp_path / "one"))
    assert results == [-errno.EEXIST, 0]
    assert (tmp_path / "one").is_dir()


def test_a_block_in_a_block_is_a_part_of_it(caller: Caller, tmp_path: Path) -> None:
    with caller.together() as results:
        with caller.together():
            mount.mkdirat(caller, str(tmp_path / "one"))
        assert list(tmp_path.iterdir()) == []
        mount.mkdirat(caller, str(tmp_path / "one" / "two"))
    assert results == [0, 0]
