"""Run a line in a copy of the live bash, and observe which calls are refused there.

The copy is behind the same fences.  A call that would change something outlives the copy, so
it is held back, unless a trial has shown that it is going to be refused, too.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from shellplay.errors import ShellGone, TimedOut
from shellplay.kernel import procfs
from shellplay.kernel.call_tracer import CallTracer, CallWatcher, Entered
from shellplay.kernel.seccomp import call_name
from shellplay.model import Value
from shellplay.refusal.call import RefusedCall, decoded
from shellplay.refusal.netlink import HEADER
from shellplay.refusal.repetition import CLONE_UNTRACED, GUARDED, SIGNALS
from shellplay.shell import run_line
from shellplay.shell.shell import Shell

# Errors that a program meets on its way when nothing is wrong.
USUAL = {errno.EAGAIN, errno.EINTR, errno.ENOTTY, errno.ECHILD, errno.ERANGE, errno.EEXIST}
USUAL |= {errno.ENOENT, errno.EINVAL, errno.ENODATA, errno.ENOTDIR, errno.ENXIO, errno.ESPIPE}
# Results with which the kernel restarts a call, linux/errno.h.
RESTARTS = range(512, 531)
MOST_CALLS, MOST_REFUSED = 4096, 4
MESSAGE_SIZE, SAID = 4096, 400
# linux/rtnetlink.h, the messages of ip(8).
REQUESTS = {
    16: "RTM_NEWLINK", 17: "RTM_DELLINK", 19: "RTM_SETLINK", 20: "RTM_NEWADDR",
    21: "RTM_DELADDR", 24: "RTM_NEWROUTE", 25: "RTM_DELROUTE", 28: "RTM_NEWNEIGH",
    29: "RTM_DELNEIGH", 32: "RTM_NEWRULE", 33: "RTM_DELRULE", 36: "RTM_NEWQDISC",
}  # fmt: skip
# linux/netlink.h: the kernel answers with a message of this type, which has a negative errno.
NLM_F_REQUEST, NLMSG_ERROR = 1, 2
WRITES, SENDING = ("write", "writev"), ("sendto", "sendmsg")
SIGRETURN = "rt_sigreturn"
# The errors for which people use two texts: mount(8) says "permission denied" for EPERM.
ALIKE = {errno.EPERM: (errno.EACCES,), errno.EACCES: (errno.EPERM,)}


class Observed(Value):
    """What was seen: the refused calls, the likely cause first, and how the line ended.

    ``held_back`` is a call that would have changed something, and was not made.  ``status`` is
    the exit status of the line, None if it did not end.
    """

    refused: tuple[RefusedCall, ...]
    status: int | None
    output: str
    held_back: RefusedCall | None = None


def observe(
    copy: Shell, line: str, *, timeout: float, may_run: Callable[[RefusedCall], bool]
) -> Observed:
    """Run ``line`` in a copy of a bash for at most ``timeout`` seconds.

    ``may_run`` is asked for each call; if it says no, the line ends before the call.  Raises
    KernelError if ptrace(2) is refused, Refused for a line that bash does not take.
    """
    watcher = _Watcher(copy.pid, may_run)
    status, output = None, ""
    with CallTracer(copy.pid, watcher), suppress(ShellGone, TimedOut):
        result = run_line.run(copy.terminal, copy, line, timeout=timeout, output=None)
        status, output = result.status, result.output
    if watcher.failure is not None:
        raise watcher.failure
    return Observed(watcher.ranked(status), status, output, watcher.held_back)


class _Watcher(CallWatcher):
    def __init__(self, bash: int, may_run: Callable[[RefusedCall], bool]) -> None:
        super().__init__()
        self.held_back: RefusedCall | None = None
        self.failure: Exception | None = None
        self._bash = bash
        self._may_run = may_run
        self._failed: dict[int, list[RefusedCall]] = {}
        self._blamed: list[RefusedCall] = []
        self._killed: list[RefusedCall] = []
        self._wanted: dict[int, RefusedCall] = {}
        self._names: dict[int, str] = {}
        # The last words that each process has printed: some print a sentence in pieces.
        self._said: dict[int, str] = {}

    # -- what the tracer tells -----------------------------------------------------------

    def enters(self, call: Entered) -> bool:
        name = self._name(call.number)
        if call.foreign or (name == "clone" and call.arguments[0] & CLONE_UNTRACED):
            # The first is a call that we cannot read, the second leaves us: not with --yes.
            name = f"call {call.number} of another architecture" if call.foreign else name
            self.held_back = decoded(call, name, 0)
            return False
        if name in WRITES:
            self._blame(call, name)
        if name not in GUARDED:
            return True
        try:
            wanted = self._wanted[call.pid] = decoded(call, name, 0)
            if name in SIGNALS and wanted.arguments[0] in self._inside():
                return True
            if name in SENDING:
                request = _netlink_request(call, name)
                if request is None:
                    return True
                wanted = _as_netlink(wanted, request)
            if self._may_run(wanted):
                return True
        except Exception as error:
            self.failure = error
            return False
        self.held_back = wanted
        return False

    def leaves(self, call: Entered, result: int) -> None:
        name = self._name(call.number)
        if name in ("recvmsg", "recvfrom", "read") and result > 0:
            self._read_netlink(call, name, result)
        # rt_sigreturn(2) returns what the interrupted call had in its register.
        if -result in (*RESTARTS, errno.EINTR) or not -4095 <= result < 0 or name == SIGRETURN:
            return
        kept = self._failed.setdefault(_group(call.pid), [])
        kept.append(decoded(call, name, -result))
        del kept[:-MOST_CALLS]

    def ends(self, pid: int, last: Entered | None, number: int) -> None:
        if last is None or number != signal.SIGSYS:
            return
        # Its memory is gone, so what was read at the entry counts.
        killed = self._wanted.get(pid)
        if killed is None or killed.number != last.number:
            killed = decoded(last, self._name(last.number), 0)
        self._killed.append(killed.changed(errno=errno.ENOSYS))

    # -- what follows from it ------------------------------------------------------------

    def ranked(self, status: int | None) -> tuple[RefusedCall, ...]:
        """Return the refused calls, the likely cause of the failure first."""
        found = [*self._killed, *reversed(self._blamed)]
        if not found and status != 0 and self.held_back is None:
            # No program has said a reason: the last errors that are not usual.
            calls = [
                each for pid in self._failed if pid != self._bash for each in self._failed[pid]
            ]
            found = [each for each in reversed(calls) if _is_unusual(each)]
        unique: list[RefusedCall] = []
        for each in found:
            if each.changed(message="") not in [one.changed(message="") for one in unique]:
                unique.append(each)
        return tuple(unique[:MOST_REFUSED])

    def _inside(self) -> set[int]:
        """Return the PIDs, as they see them, of the processes that the line has started."""
        statuses = filter(None, map(procfs.status, list(self.traced - {self._bash})))
        return {each.pids[-1] for each in statuses}

    def _name(self, number: int) -> str:
        if number not in self._names:
            self._names[number] = call_name(number) or f"call {number}"
        return self._names[number]

    def _blame(self, call: Entered, name: str) -> None:
        """Find the failed call whose error a program is about to print."""
        text = _written(call, name)
        if not text:
            return
        group = _group(call.pid)
        said = self._said[group] = (self._said.get(group, "") + text)[-SAID:]
        alike = [each for each in self._failed.get(group, []) if _explains(each, text)]
        if alike:
            # The path is in the sentence; without one, it is the last of these errors.
            named = [each for each in alike if each.path and _is_in(each.path, said)]
            plain = [each for each in alike if "/locale/" not in each.path]
            blamed = (named or plain or alike)[-1]
            self._blamed.append(blamed.changed(message=said.strip().splitlines()[-1]))

    def _read_netlink(self, call: Entered, name: str, size: int) -> None:
        if not _is_socket(call):
            return
        content = _transferred(call, name, size)
        if len(content) < HEADER.size + 24:
            return
        length, kind, *_ = HEADER.unpack_from(content)
        (number,) = struct.unpack_from("i", content, HEADER.size)
        if kind != NLMSG_ERROR or length > len(content) or not -4095 <= number < 0:
            return
        _, request, *_ = HEADER.unpack_from(content, HEADER.size + 4)
        refused = decoded(call, name, -number)
        kept = self._failed.setdefault(_group(call.pid), [])
        kept.append(_as_netlink(refused, request))


def _is_unusual(call: RefusedCall) -> bool:
    """Tell whether a call that fails like this has to do with a fence or a privilege."""
    missing = call.errno == errno.ENOENT and call.path.startswith("/dev/")
    return call.errno not in USUAL or missing


def _explains(call: RefusedCall, text: str) -> bool:
    reasons = (os.strerror(number) for number in (call.errno, *ALIKE.get(call.errno, ())))
    return any(reason.lower() in text.lower() for reason in reasons)


def _is_in(path: str, text: str) -> bool:
    name = re.escape(path.rpartition("/")[2])
    return path in text or re.search(rf"(?<![\w-]){name}(?![\w-])", text) is not None


def _group(pid: int) -> int:
    """Return the process of a thread."""
    content = procfs.read(pid, "status") or b""
    found = re.search(rb"\nTgid:\t([0-9]+)", content)
    return int(found[1]) if found else pid


def _written(call: Entered, name: str) -> str:
    """Return what a call is going to write to standard output or error; else nothing."""
    if call.arguments[0] not in (1, 2):
        return ""
    if name == "writev":
        return _text(_gathered(call, call.arguments[1], min(call.arguments[2], 64)))
    return _text(call.memory(call.arguments[1], min(call.arguments[2], MESSAGE_SIZE)))


def _is_socket(call: Entered) -> bool:
    try:
        target = Path(f"/proc/{call.pid}/fd/{call.arguments[0]}").readlink()
    except OSError:
        return False
    return str(target).startswith("socket:")


def _as_netlink(call: RefusedCall, request: int) -> RefusedCall:
    name = REQUESTS.get(request, str(request))
    return call.changed(name="netlink", arguments=(request,), shown=(name,), number=-1)


def _netlink_request(call: Entered, name: str) -> int | None:
    """Return the type of the message of rtnetlink(7) that is sent; None if it is not one."""
    if not _is_socket(call):
        return None
    content = _transferred(call, name, 64)
    if len(content) < HEADER.size:
        return None
    length, kind, flags, _, _ = HEADER.unpack_from(content)
    whole = len(_transferred(call, name, MESSAGE_SIZE))
    return kind if flags & NLM_F_REQUEST and 16 <= length <= whole and kind < 256 else None


def _transferred(call: Entered, name: str, size: int) -> bytes:
    """Return the first bytes that a call sends or has received."""
    if not name.endswith("msg"):
        return call.memory(call.arguments[1], min(size, MESSAGE_SIZE))
    # struct msghdr: name, its length, the vector, its length; each in eight bytes.
    header = call.memory(call.arguments[1], 32)
    if len(header) < 32:
        return b""
    _, _, vector, count = struct.unpack("4Q", header)
    return _gathered(call, vector, min(count, 64))[:size]


def _gathered(call: Entered, vector: int, count: int) -> bytes:
    """Read the pieces of an array of struct iovec."""
    pieces: Sequence[tuple[int, int]] = [
        struct.unpack("QQ", part)
        for n in range(count)
        if len(part := call.memory(vector + 16 * n, 16)) == 16
    ]
    content = b""
    for address, size in pieces:
        content += call.memory(address, min(size, MESSAGE_SIZE - len(content)))
    return content


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
