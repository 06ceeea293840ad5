"""What fences, peels and system calls say for themselves."""

from __future__ import annotations

from shellplay.model import Call, Change, How, NamespaceId, ShellIdentity
from shellplay.views import change, trace

OUTSIDE = ShellIdentity(4110, (4110,))
INSIDE = ShellIdentity(4242, (4242, 1))
PID = Change("fence", "pid", How.FORKED, OUTSIDE, INSIDE, NamespaceId("pid", 4, 4026532399))


def test_a_fence_tells_how_it_went_up_and_who_the_bash_is_now() -> None:
    assert change.lines(PID, "web") == [
        "web: pid fence up (forked), pid:[4026532399], bash is 1 inside, 4242 on the host"
    ]


def test_a_fence_in_place_leaves_the_bash_as_it_was() -> None:
    uts = Change("fence", "uts", How.IN_PLACE, INSIDE, INSIDE, NamespaceId("uts", 4, 17))
    assert change.lines(uts) == [
        "uts fence up (in place), uts:[17], bash goes on as 1 inside, 4242 on the host"
    ]


def test_a_peel_tells_what_came_along_and_what_did_not() -> None:
    peel = Change(
        "peel",
        "pid",
        How.FORKED,
        before=INSIDE,
        after=OUTSIDE,
        notes=("history is \x1b[2J kept",),
        carried=("variables", "functions"),
        left=("job 1 (sleep 1000)",),
        woken=True,
    )
    assert change.lines(peel) == [
        "pid fence off (forked), bash is again 4110 on the host",
        "  carried: variables, functions",
        "  left behind: job 1 (sleep 1000)",
        r"  history is \x1b[2J kept",
    ]
    anew = peel.changed(woken=False, carried=(), left=(), notes=())
    assert change.lines(anew) == ["pid fence off (forked), bash is 4110 on the host"]
    in_place = peel.changed(before=INSIDE, after=INSIDE, carried=(), left=(), notes=())
    assert change.lines(in_place) == [
        "pid fence off (forked), bash goes on as 1 inside, 4242 on the host"
    ]


def test_what_had_to_come_first_is_told_first() -> None:
    user = Change("fence", "user", How.FORKED, OUTSIDE, OUTSIDE, notes=("0 inside is you",))
    assert change.lines(PID.changed(first=(user,)))[:2] == [
        "first, user fence up (forked), bash goes on as 4110 on the host",
        "  0 inside is you",
    ]


def test_calls_look_like_those_of_strace_with_the_command_that_does_the_same() -> None:
    made = [
        Call(4110, "unshare", ("CLONE_NEWPID",), 0, remote=True, same_as="unshare -p"),
        Call(4104, "setns", ("3", "CLONE_NEWUTS"), -1, remote=False, same_as="nsenter -u"),
        Call(4104, "getpid", (), 4104, remote=False),
        Call(4104, "mount", ("/a\x1b[2J",), -9999, remote=False),
    ]
    assert trace.lines(made) == [
        "[bash 4110] unshare(CLONE_NEWPID) = 0                                   # unshare -p",
        "[pid 4104] setns(3, CLONE_NEWUTS) = -1 EPERM (Operation not permitted)  # nsenter -u",
        "[pid 4104] getpid() = 4104",
        r"[pid 4104] mount(/a\x1b[2J) = -1 9999 (Unknown error 9999)",
    ]


def test_no_calls_are_no_lines() -> None:
    assert trace.lines([]) == []
