"""What fences, peels and system calls say for themselves."""

from __future__ import annotations

import re

from shellplay.model import Call, Change, How, NamespaceId, ShellIdentity
from shellplay.views import change, trace
from shellplay.views.render import dimmed
from shellplay.views.wrap import wrap

OUTSIDE = ShellIdentity(4110, (4110,))
INSIDE = ShellIdentity(4242, (4242, 1))
PID = Change("fence", "pid", How.FORKED, OUTSIDE, INSIDE, NamespaceId("pid", 4, 4026532399))


def test_a_fence_tells_how_it_went_up_and_who_the_bash_is_now() -> None:
    assert change.lines(PID, "web") == [
        "web: pid fence is up: bash is PID 1 inside, 4242 on the host "
        "(forked, pid:[4026532399])"
    ]


def test_a_fence_in_place_leaves_the_bash_as_it_was() -> None:
    uts = Change("fence", "uts", How.IN_PLACE, INSIDE, INSIDE, NamespaceId("uts", 4, 17))
    assert change.lines(uts) == [
        "uts fence is up: bash keeps running as PID 1 inside, 4242 on the host "
        "(in place, uts:[17])"
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
        left=("fd 7 (/tmp/open)",),
        ended=("sleep 1000 (4250)",),
        woken=True,
    )
    assert change.lines(peel) == [
        "pid fence is off: bash is PID 4110 on the host again (forked)",
        "  carried: variables, functions",
        "  ended: sleep 1000 (4250)",
        "  left behind: fd 7 (/tmp/open)",
        r"  history is \x1b[2J kept",
    ]
    anew = peel.changed(woken=False, carried=(), ended=(), left=(), notes=())
    assert change.lines(anew) == ["pid fence is off: bash is PID 4110 on the host (forked)"]
    in_place = peel.changed(
        before=INSIDE, after=INSIDE, carried=(), ended=(), left=(), notes=()
    )
    assert change.lines(in_place) == [
        "pid fence is off: bash keeps running as PID 1 inside, 4242 on the host (forked)"
    ]


def test_a_new_limit_is_told_with_its_value_alone() -> None:
    limit = Change("limit", "memory", How.OUTSIDE, INSIDE, INSIDE, state="32M")
    assert change.lines(limit, "web") == ["web: memory limit is now 32M"]


def test_how_and_where_are_dim_also_where_the_line_breaks_in_them() -> None:
    told = "\n".join(change.lines(PID, "web"))
    broken = wrap(told, 50)
    dim = dimmed(broken, change.details(PID))
    assert re.findall(r"\x1b\[90m(.*?)\x1b\[0m", dim, re.DOTALL) == [
        "(forked, pid:[4026532399])"
    ]
    assert re.sub(r"\x1b\[\d+m", "", dim) == broken


def test_what_had_to_come_first_is_told_first() -> None:
    user = Change("fence", "user", How.FORKED, OUTSIDE, OUTSIDE, notes=("0 inside is you",))
    assert change.lines(PID.changed(first=(user,)))[:2] == [
        "first, user fence is up: bash keeps running as PID 4110 on the host (forked)",
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
