"""The userns-lock fence: who is inside makes no user namespace, by whatever call."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, ShellplayError
from shellplay.fences import REGISTRY
from shellplay.fences.base.seccomp_filter import FilterCount
from shellplay.fences.seccomp import Seccomp
from shellplay.fences.userns_lock import UsernsLock
from shellplay.kernel.constants import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    PR_SET_NO_NEW_PRIVS,
    SIGCHLD,
)
from shellplay.kernel.here import HERE
from shellplay.kernel.namespaces import identify
from shellplay.model import FenceRecord, How
from tests.fences.deciding import ALLOWED, decision, number

pytestmark = pytest.mark.everyone
MADE = "unshare --user true; echo $?"
REFUSED = "unshare: unshare failed: Operation not permitted\n1\n"
THREAD = 0x003D0F00


def record(container: Container, kind: str) -> FenceRecord:
    """Return what is said of one layer of a container."""
    return {each.fence: each for each in container.fences()}[kind]


@pytest.mark.parametrize(
    ("name", "argument", "answer"),
    [
        ("unshare", CLONE_NEWUSER, errno.EPERM),
        ("unshare", CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS, errno.EPERM),
        ("unshare", CLONE_NEWUSER | 1 << 40, errno.EPERM),
        ("unshare", CLONE_NEWNS, ALLOWED),
        ("clone", CLONE_NEWUSER | SIGCHLD, errno.EPERM),
        ("clone", CLONE_NEWNET | SIGCHLD, ALLOWED),
        ("clone", THREAD, ALLOWED),
        ("clone3", 0, errno.ENOSYS),
        ("setns", 0, ALLOWED),
    ],
)
def test_only_what_makes_a_user_namespace_is_denied(
    name: str, argument: int, answer: int
) -> None:
    assert decision(UsernsLock.program(), number(name), argument) == answer


@pytest.mark.skipif(platform.machine() != "x86_64", reason="no other has this way around")
@pytest.mark.parametrize(("lock", "result"), [(False, 0), (True, -errno.EPERM)])
def test_the_calls_of_32_bit_programs_are_no_way_around(lock: bool, result: int) -> None:
    # push rbx; mov eax, 310 (unshare); mov ebx, CLONE_NEWUSER; int 0x80; pop rbx; ret
    code = b"\x53\xb8\x36\x01\x00\x00\xbb\x00\x00\x00\x10\xcd\x80\x5b\xc3"
    child = os.fork()
    if child == 0:
        page = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        if lock:
            HERE.prctl(PR_SET_NO_NEW_PRIVS, 1)
            HERE.seccomp(UsernsLock.program())
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        os._exit(-ctypes.CFUNCTYPE(ctypes.c_int)(address)())
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not lock and status < 0:
        pytest.skip("this kernel runs no 32-bit programs")
    assert -status == result


def test_nobody_inside_makes_one_and_other_namespaces_are_as_before(
    container: Container,
) -> None:
    before = container.run("unshare --uts true; echo $?").output
    assert container.run(MADE).output == "0\n"
    change = container.fence(UsernsLock())
    assert (change.how, change.state) == (How.FORKED, "mode 2, 1 filter")
    assert [each.fence for each in change.first] == ([] if os.geteuid() == 0 else ["nnp"])
    assert container.run(MADE).output == REFUSED
    assert container.run(f"bash -c '{MADE}'").output == REFUSED
    assert container.run("unshare --uts true; echo $?").output == before
    # Threads, pipes and job control know a kernel without clone3.
    assert container.run("seq 3 | sort -r | tr '\\n' ' '").output == "3 2 1 "
    container.peel("userns-lock")
    assert container.run(MADE).output == "0\n"


def test_a_filter_of_its_own_is_no_seccomp_fence_and_the_other_way_around(
    container: Container,
) -> None:
    container.fence(UsernsLock())
    assert record(container, "userns-lock").up
    assert not record(container, "seccomp").up
    with pytest.raises(Refused, match="seccomp is not fenced"):
        container.peel("seccomp")
    container.fence(Seccomp(deny="mkdir,mkdirat"))
    assert UsernsLock.fact(container.pid) == FilterCount(2, 2)
    assert record(container, "seccomp").up
    container.peel("userns-lock")
    assert (record(container, "userns-lock").up, record(container, "seccomp").up) == (
        False,
        True,
    )
    assert container.run(MADE).output == "0\n"
    container.fence(UsernsLock())
    container.peel("seccomp")
    assert (record(container, "userns-lock").up, record(container, "seccomp").up) == (
        True,
        False,
    )
    assert container.run(MADE).output == REFUSED


def test_one_filter_of_two_that_is_missing_is_noticed(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    container.fence(Seccomp(deny="mkdir,mkdirat"))
    monkeypatch.setattr(UsernsLock, "apply", lambda fence, caller: None)
    with pytest.raises(ShellplayError, match="the kernel does not show the userns-lock fence"):
        container.fence(UsernsLock())


def test_a_user_fence_that_comes_later_goes_up_below_it(container: Container) -> None:
    container.fence(UsernsLock())
    change = container.fence(REGISTRY["user"]())
    assert any("userns-lock came off and went up again" in note for note in change.notes)
    assert identify(container.pid, "user") != identify("self", "user")
    assert container.run(MADE).output == REFUSED


def test_who_has_every_capability_makes_none_either(container: Container) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(UsernsLock())
    assert container.run("unshare --mount true; echo $?").output == "0\n"
    assert container.run(MADE).output == REFUSED
