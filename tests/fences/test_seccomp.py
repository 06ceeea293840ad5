"""The seccomp fence: which calls fail inside, how, and who may put it up."""

from __future__ import annotations

import os
import sys

import pytest

from shellplay.container.container import Container
from shellplay.errors import KernelError, Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.base.seccomp_filter import FilterCount
from shellplay.fences.caps import Caps
from shellplay.fences.seccomp import Seccomp
from shellplay.model import Change, How
from tests.fences.conditions import spawned

pytestmark = pytest.mark.everyone


def first(change: Change) -> list[str]:
    """Return the kinds of the fences that went up before the one that was asked for."""
    return [each.fence for each in change.first]


def test_a_call_that_is_denied_fails_and_others_do_not(container: Container) -> None:
    change = container.fence(Seccomp(deny="mkdir,mkdirat"))
    assert (change.how, change.state) == (How.FORKED, "mode 2, 1 filter")
    made = container.run("cd && mkdir seen")
    assert (made.status, "Operation not permitted" in made.output) == (1, True)
    container.peel("seccomp")
    assert container.run("cd && mkdir seen && rmdir seen").status == 0


@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        ("EPERM", 1, "Operation not permitted"),
        ("ENOSYS", 1, "Function not implemented"),
        ("kill", 128 + 31, "Bad system call"),
        ("log", 0, ""),
    ],
)
def test_what_happens_to_it_is_what_was_asked_for(
    action: str, status: int, said: str, container: Container
) -> None:
    container.fence(Seccomp(deny="mkdir,mkdirat", action=action))
    made = container.run("cd && mkdir seen")
    assert made.status == status
    assert said in made.output
    container.run("cd && rmdir seen")
    assert container.run("echo goes on").output == "goes on\n"


def test_docker_denies_namespaces_and_bash_works_on(container: Container) -> None:
    container.fence(Caps())
    before = container.run("unshare --user true").status
    container.fence(Seccomp())
    assert before == 0
    assert "Operation not permitted" in container.run("unshare --user true").output
    # Job control, pipes, signals and programs are none of its business.
    assert container.run("sleep 1000 & kill %1; wait %1; echo $?").output.endswith("143\n")
    assert container.run("seq 3 | tr '\\n' ' '").output == "1 2 3 "
    assert container.run("set -o | wc -l").status == 0


def test_who_has_more_capabilities_may_call_more(container: Container) -> None:
    container.fence(REGISTRY["user"]())
    change = container.fence(Seccomp())
    assert first(change) == []
    assert container.run("unshare --uts true").status == 0
    container.peel("seccomp")
    container.fence(Caps())
    change = container.fence(Seccomp())
    # Docker's fourteen do not let it filter calls, so the filter stands below them: none of
    # the programs inside has lost its right to be set-user-ID.
    assert "caps came off and went up again, above it" in change.notes
    assert container.run("grep -c 'NoNewPrivs:.0' /proc/self/status").output == "1\n"
    assert container.run("unshare --user true").status != 0


def test_an_ordinary_user_gives_up_new_privileges_first(container: Container) -> None:
    change = container.fence(Seccomp())
    if os.geteuid() == 0:
        assert first(change) == []
        return
    assert first(change) == ["nnp"]
    assert (
        "needs no_new_privs without privileges, so the nnp fence went up first" in change.notes
    )
    # It has no capability, so Docker's profile gives it none of the namespaces.
    assert container.run("unshare --user true").status != 0
    with pytest.raises(Refused, match="seccomp stands inside nnp"):
        container.peel("nnp")
    container.peel("seccomp")
    container.peel("nnp")


@pytest.mark.ptrace
def test_a_namespace_goes_up_below_a_filter_that_denies_it(container: Container) -> None:
    container.fence(Caps())
    container.fence(Seccomp())
    change = container.fence(REGISTRY["uts"]())
    assert any("came off and went up again, above it" in note for note in change.notes)
    assert Seccomp.fact(container.pid) == FilterCount(2, 1)
    assert container.run("unshare --user true").status != 0


@pytest.mark.ptrace
def test_a_job_of_before_is_not_filtered(container: Container) -> None:
    job = spawned(container, "sleep 1000")
    change = container.fence(Seccomp())
    assert job.pid is not None
    assert Seccomp.fact(job.pid) == Seccomp.fact("self")
    notes = [note for each in (*change.first, change) for note in each.notes]
    assert any("stays outside with the parked bash" in note for note in notes)
    container.peel("seccomp")


@pytest.mark.parametrize("action", ["EPERM", "kill"])
@pytest.mark.parametrize("call", ["recvmsg", "sendto"])
def test_a_filter_that_lets_no_program_start_here_says_so(
    call: str, action: str, container: Container, capfd: pytest.CaptureFixture[str]
) -> None:
    container.fence(Seccomp(deny=call, action=action))
    with pytest.raises(Refused, match=r"denies one of them \(peel seccomp, or allow both\)"):
        container.exec(["echo", "started"], terminal=False)
    assert container.run("echo goes on").output == "goes on\n"
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_call_that_a_program_needs_to_start_is_named(
    container: Container, capfd: pytest.CaptureFixture[str]
) -> None:
    container.fence(Seccomp(deny="close_range"))
    with pytest.raises(KernelError, match=r"close_range \(echo\): EPERM.*peel seccomp"):
        container.exec(["echo", "started"], terminal=False)
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_what_bash_itself_needs_cannot_be_denied() -> None:
    with pytest.raises(UsageError, match=r"bash itself needs ioctl, write \(action=log"):
        Seccomp(deny="mount,write,ioctl")
    Seccomp(deny="write", action="log")


def test_a_profile_that_bash_cannot_live_behind_is_refused_and_changes_nothing(
    container: Container, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("profiles") / "deny-all.json"
    container.fence(REGISTRY["nnp"]())
    before = container.pid
    for action, reason in (
        ("SCMP_ACT_ERRNO", "seccomp: bash itself needs ioctl, and this filter denies it"),
        ("SCMP_ACT_KILL", "seccomp: a bash that is inside ends at once"),
    ):
        file.write_text(f'{{"defaultAction": "{action}"}}')
        with pytest.raises(Refused, match=reason):
            container.fence(Seccomp(profile=str(file)))
        assert container.pid == before
        assert container.run("echo alive | cat").output == "alive\n"


def test_an_unknown_call_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"no system call 'mout' .*did you mean \"mount\""):
        Seccomp.parse({"deny": "mout"})
    with pytest.raises(UsageError, match=r"no system call 'qqqqq' \(man 2 syscalls"):
        Seccomp.parse({"allow": "qqqqq"})


def test_a_preset_and_a_profile_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="a preset and a profile"):
        Seccomp.parse({"preset": "docker", "profile": "/x"})


def test_without_pyseccomp_the_error_says_how_to_get_it(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(Refused, match=r"filters need pyseccomp .*shellplay\[seccomp\]"):
        container.fence(Seccomp(deny="mount", action="log"))
