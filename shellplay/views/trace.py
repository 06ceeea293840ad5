"""The lines of ``trace``: the system calls that were made, written as by strace(1)."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from shellplay.model import Call
from shellplay.views import text_width
from shellplay.views.sanitize import safe_line

MAX_COMMENT_COLUMN = 72


# The calls by which shellplay makes another process call, and by which that gets a terminal.
MECHANISM = frozenset(
    (
        *("close", "close_range", "dup3", "fcntl", "ioctl", "kill", "mmap", "mprotect"),
        *("munmap", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "ptrace", "recvmsg"),
        *("sendmsg", "setpgid", "setsid", "socket", "socketpair", "wait4", "waitid"),
    )
)
SUBREAPER = "PR_SET_CHILD_SUBREAPER"


def lines(calls: Sequence[Call], *, all_: bool = True) -> list[str]:
    """Return one line for each call, followed by a shell command that does the same.

    A call that ptrace made the live bash execute begins with ``[bash PID]``, any other
    with ``[pid PID]``.  Without ``all_`` the calls of the mechanism are only counted.
    """
    shown = [call for call in calls if all_ or not _is_mechanism(call)]
    hidden = len(calls) - len(shown)
    more = "call" if hidden == 1 else "calls"
    note = [f"+ {hidden} {more} by which shellplay does this (trace -v on)"] if hidden else []
    return _lines(shown) + note


def _is_mechanism(call: Call) -> bool:
    if call.same_as or call.result < 0:
        return False
    return call.name in MECHANISM or SUBREAPER in call.arguments


def _lines(calls: Sequence[Call]) -> list[str]:
    texts = [_call(call) for call in calls]
    widths = [
        text_width.width(text) for text, call in zip(texts, calls, strict=True) if call.same_as
    ]
    column = min(max(widths, default=0), MAX_COMMENT_COLUMN)
    return [
        f"{text_width.pad(text, column)}  # {safe_line(call.same_as)}" if call.same_as else text
        for text, call in zip(texts, calls, strict=True)
    ]


def _call(call: Call) -> str:
    caller = "bash" if call.remote else "pid"
    arguments = ", ".join(map(safe_line, call.arguments))
    return f"[{caller} {call.pid}] {call.name}({arguments}) = {_result(call.result)}"


def _result(result: int) -> str:
    if result >= 0:
        return str(result)
    name = errno.errorcode.get(-result, str(-result))
    return f"-1 {name} ({os.strerror(-result)})"
