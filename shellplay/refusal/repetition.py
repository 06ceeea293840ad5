"""Repeat a refused call in another process, in a form that harms nothing.

The kernel checks the privilege for a call before, or together with, its arguments.  So a
dangerous call is repeated with arguments that it refuses afterwards: ``reboot`` with a wrong
magic number fails with EPERM without the privilege, and with EINVAL with it.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel.caller import Returned
from shellplay.kernel.namespaces import CLONE_FLAGS
from shellplay.kernel.stub import Stub
from shellplay.refusal.call import RefusedCall
from shellplay.refusal.file_forms import (
    FILE_CHANGES,
    LOOKING,
    OPENING,
    WRITING,
    changed_path,
    does_something,
    file_change,
    is_sink,
    make_unnamed,
    open_flags,
    opening,
)
from shellplay.refusal.form import Form, Step
from shellplay.refusal.mounting import mounting, unmounting
from shellplay.refusal.netlink import ask_kernel, is_change

ALL_NAMESPACES = sum(CLONE_FLAGS.values())
CLONE_SIGHAND, CLONE_UNTRACED = 0x800, 0x00800000
ONE_SECOND = struct.pack("qq", 1, 0)
# linux/sockios.h; sizeof(struct ifreq).
SIOCGIFINDEX, IFREQ_SIZE = 0x8933, 40
NO_PROCESS = 0x7FFFFFFF
NOWHERE = b"/proc/this path is nowhere"
BEYOND = (errno.EFAULT, errno.EINVAL, errno.EBADF, errno.ENOENT, errno.ENOEXEC, errno.ESRCH)
# Options of prctl(2) that are numbers alone, and end with their process: PR_SET_KEEPCAPS,
# PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT.
PLAIN_OPTIONS = (8, 23, 24, 28, 38, 47)
# From this number on an option of IP replaces the firewall, or the routes of multicast.
FIRST_TABLE_OPTION, SOL_IPV6 = 64, 41
PERF_TYPES = 6
BPF_PROG_LOAD, KEYCTL_GET_KEYRING_ID, SESSION_KEYRING = 5, 0, -3
NO_HANDLE = struct.pack("Ii8x", 8, 1)
MACHINE_CHANGES = ("mount", "umount2", "pivot_root", "swapon", "swapoff", "sethostname",
                   "setdomainname", "reboot", "settimeofday", "clock_settime", "adjtimex",
                   "clock_adjtime", "init_module", "finit_module", "delete_module",
                   "kexec_load", "acct", "fchown", "fchmod", "move_mount",
                   "mount_setattr", "quotactl", "fsconfig", "setxattr", "lsetxattr",
                   "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
                   "utime", "utimes", "futimesat", "fchmodat2", "rt_sigqueueinfo",
                   "rt_tgsigqueueinfo", "pidfd_send_signal", "process_vm_writev",
                   "mq_unlink")  # fmt: skip
SIGNALS = ("kill", "tkill", "tgkill")
# All calls that may change something that outlives their process.
GUARDED = frozenset(
    (
        *OPENING,
        *FILE_CHANGES,
        *MACHINE_CHANGES,
        *SIGNALS,
        "sendmsg",
        "sendto",
    )
)
FORKING = ("clone", "clone3", "fork", "vfork")


def changes(call: RefusedCall) -> bool:
    """Tell whether a call may change something that outlives its process."""
    if call.name in OPENING:
        return bool(open_flags(call) & WRITING) and not is_sink(call.path)
    if call.name in SIGNALS:
        return call.arguments[-1] != 0
    if call.name == "netlink":
        return is_change(int(call.arguments[0]))
    return call.name in (*FILE_CHANGES, *MACHINE_CHANGES)


def is_directory_closed(stub: Stub, call: RefusedCall) -> bool:
    """Tell whether the directory, in which a call changes something, cannot be written."""
    step = make_unnamed(changed_path(call))
    # Not every file system has files without a name; it says so only if it may be written.
    return _errno(stub, (step,), (errno.EOPNOTSUPP, errno.EISDIR)) != 0


def is_refused(stub: Stub, call: RefusedCall, most: int) -> int | None:
    """Repeat a call in a stub: return its errno, 0 if it passes, None if it has no such form.

    ``most`` is the limit that the call may have reached: of processes, or of open files.
    Raises KernelError and ShellGone if the stub cannot do it.
    """
    if call.name == "netlink":
        return ask_kernel(stub, int(call.arguments[0]))
    if call.name in FORKING and not _namespaces_of(call):
        return _fork(stub, most)
    form = form_of(call) if call.errno != errno.EMFILE else _filling(most)
    if form is None or (call.name in OPENING and does_something(stub, call.path)):
        return None
    beyond = [each for each in form.beyond if each != call.errno]
    number = _errno(stub, form.steps, beyond)
    return _errno(stub, form.absent, ()) if number == errno.ENOENT and form.absent else number


def _errno(stub: Stub, steps: Sequence[Step], beyond: Sequence[int]) -> int:
    results = stub.syscalls(steps)
    passes = len(results) == len(steps) and (results[-1] >= 0 or -results[-1] in beyond)
    return 0 if passes else -results[-1]


def form_of(call: RefusedCall) -> Form | None:
    """Return the harmless form of a call, None if it has none."""
    if call.name in OPENING:
        return opening(call)
    if call.name in FILE_CHANGES:
        return file_change(call)
    if call.name in LOOKING:
        return Form((_as_is(call),), (errno.EFAULT,))
    make = FORMS.get(call.name)
    return None if make is None else make(call)


# -- other calls -------------------------------------------------------------------------


def _as_is(call: RefusedCall) -> Step:
    return str(call.number), call.arguments, ()


def _same(*beyond: int) -> Callable[[RefusedCall], Form]:
    # A call that was not made yet fails by any of these errors.
    return lambda call: Form((_as_is(call),), beyond if call.errno else ())


def _instead(*arguments: int | bytes) -> Callable[[RefusedCall], Form]:
    """Return a form with arguments that the kernel refuses after its check."""
    return _asking(*arguments, beyond=BEYOND)


def _asking(
    *arguments: int | bytes, beyond: tuple[int, ...] = ()
) -> Callable[[RefusedCall], Form]:
    """Return a form with other arguments: those of the call are pointers, or do something."""
    return lambda call: Form(((str(call.number), arguments, ()),), beyond)


def _process_option(call: RefusedCall) -> Form | None:
    # An argument may be the address to which the kernel writes: that of another process.
    return Form((_as_is(call),)) if call.arguments[0] in PLAIN_OPTIONS else None


def _measuring(call: RefusedCall) -> Form | None:
    attributes, pid, processor = call.arguments[:3]
    if not isinstance(attributes, bytes) or len(attributes) < 8:
        return None
    # The other types are of devices, and of probes that the kernel puts into programs.
    if struct.unpack_from("I", attributes)[0] >= PERF_TYPES:
        return None
    arguments = (attributes, -1 if pid == -1 else 0, processor, -1, 0)
    beyond = (errno.EFAULT, errno.EINVAL, errno.ENOENT, errno.ENODEV, errno.E2BIG)
    return Form(((str(call.number), arguments, ()),), beyond)


def _setting_time(call: RefusedCall) -> Form:
    # settimeofday(2) without a time and a zone is the check of the privilege and no more.
    wrong = (str(call.number), (-1, 0, 0, 0), (errno.EINVAL, errno.EFAULT))
    return Form((wrong, ("settimeofday", (0, 0), ())))


def _namespaces_of(call: RefusedCall) -> int:
    return 0 if call.name in ("fork", "vfork") else _clone_flags(call) & ALL_NAMESPACES


def _clone_flags(call: RefusedCall) -> int:
    how = call.arguments[0]
    if isinstance(how, bytes):
        return int(struct.unpack_from("Q", how)[0]) if len(how) >= 8 else 0
    return how


def _cloning(call: RefusedCall) -> Form:
    flags = _namespaces_of(call)
    # CLONE_SIGHAND without CLONE_VM is refused before anything is made, but after a filter.
    contradiction = ("clone", (flags | CLONE_SIGHAND, 0, 0, 0, 0), (errno.EINVAL,))
    return Form((contradiction, ("unshare", (flags,), ())))


def _joining(call: RefusedCall) -> Form:
    flags = int(call.arguments[1]) & ALL_NAMESPACES or k.CLONE_NEWUTS
    return Form(((str(call.number), (-1, flags), (errno.EBADF,)), ("unshare", (flags,), ())))


def _fork(stub: Stub, most: int) -> int:
    """Fork until the limit is reached; the copies end together."""
    with ExitStack() as copies:
        try:
            for _ in range(most):
                copy, _ = copies.enter_context(stub.forked())
                copies.callback(copy.quit)
        except KernelError as error:
            return error.errno
    return 0


def _filling(most: int) -> Form:
    """Return a form that takes the last two descriptors below a limit."""
    step: Step = ("fcntl", (0, k.F_DUPFD_CLOEXEC, most - 1), ())
    return Form((step, step))


def _of_itself(place: int) -> Callable[[RefusedCall], Form]:
    """Return a form in which the process of the stub takes the place of another one."""

    def form(call: RefusedCall) -> Form:
        arguments = [*call.arguments]
        arguments[place] = 0
        return Form(((str(call.number), tuple(arguments), ()),))

    return form


def _niceness(call: RefusedCall) -> Form:
    # Of this process alone: 0 may also stand for all processes of its user.
    return Form(((str(call.number), (0, 0, call.arguments[2]), ()),))


def _signal(call: RefusedCall) -> Form:
    return Form(((str(call.number), (*call.arguments[:-1], 0), ()),))


def _kernel_log(call: RefusedCall) -> Form:
    kind = call.arguments[0] if call.arguments[0] in (3, 10) else 2
    return Form(((str(call.number), (kind, 0, 0), ()),), (errno.EINVAL,))


def _running(call: RefusedCall) -> Form:
    return Form((("faccessat", (k.AT_FDCWD, os.fsencode(call.path), os.X_OK), ()),))


def _on_socket(call: RefusedCall) -> Form | None:
    address = call.arguments[1]
    if not isinstance(address, bytes) or len(address) < 2:
        return None
    (family,) = struct.unpack_from("H", address)
    local = family == k.AF_UNIX
    if call.name == "bind" and local:
        return None  # It would make a file.
    if local:
        # A socket of a wrong type: a server would notice a connection, and this it does not.
        wrong = ("socket", (family, k.SOCK_SEQPACKET | k.SOCK_CLOEXEC, 0), ())
        connecting = ("connect", (Returned(0), address, len(address)), ())
        return Form((wrong, connecting), (errno.EPROTOTYPE,))
    loopback = address[4:5] == b"\x7f" or address[8:24] == bytes(15) + b"\1"
    kind = k.SOCK_STREAM if loopback or call.name == "bind" else k.SOCK_DGRAM
    socket = ("socket", (family, kind | k.SOCK_CLOEXEC, 0), ())
    # A rule of a firewall may drop what is sent, so that no answer comes.
    limit = ("setsockopt", (Returned(0), k.SOL_SOCKET, k.SO_SNDTIMEO, ONE_SECOND, 16), ())
    return Form((socket, limit, (call.name, (Returned(0), address, len(address)), ())))


def _interface(call: RefusedCall) -> Form | None:
    """Ask for the number of an interface, netdevice(7); no other request is repeated."""
    request, content = call.arguments[1], call.arguments[2]
    if request != SIOCGIFINDEX or not isinstance(content, bytes):
        return None
    socket = ("socket", (k.AF_INET, k.SOCK_DGRAM | k.SOCK_CLOEXEC, 0), ())
    return Form((socket, ("ioctl", (Returned(0), request, content[:IFREQ_SIZE]), ())))


def _socket_option(call: RefusedCall) -> Form | None:
    _, level, option, content, _ = call.arguments
    if level not in (k.SOL_SOCKET, 0, SOL_IPV6) or not isinstance(content, bytes):
        return None
    family = k.AF_INET6 if level == SOL_IPV6 else k.AF_INET
    socket = ("socket", (family, k.SOCK_DGRAM | k.SOCK_CLOEXEC, 0), ())
    if level != k.SOL_SOCKET and int(option) >= FIRST_TABLE_OPTION:
        nothing = (str(call.number), (Returned(0), level, option, 0, 0), ())
        return Form((socket, nothing), (errno.EFAULT, errno.EINVAL))
    setting = (str(call.number), (Returned(0), level, option, content, len(content)), ())
    return Form((socket, setting))


def _names(
    names: Sequence[str], make: Callable[[RefusedCall], Form | None]
) -> dict[str, Callable[[RefusedCall], Form | None]]:
    return dict.fromkeys(names, make)


FORMS: dict[str, Callable[[RefusedCall], Form | None]] = {
    **_names(
        ("socket", "chroot", "unshare", "setuid", "setgid", "setreuid", "setregid", "setresuid",
         "setresgid", "setgroups", "pivot_root", "open_tree", "sethostname", "setdomainname",
         "iopl", "ioperm", "personality", "userfaultfd", "memfd_secret", "fanotify_init"),
        _same(),
    ),
    "capset": _same(errno.EFAULT, errno.EINVAL, errno.EBADF),
    "bpf": _asking(BPF_PROG_LOAD, bytes(128), 128, beyond=(errno.EINVAL, errno.E2BIG)),
    "perf_event_open": _measuring,
    "io_uring_setup": _asking(1, bytes(120)),
    "open_by_handle_at": _asking(
        k.AT_FDCWD, NO_HANDLE, 0, beyond=(errno.ESTALE, errno.EINVAL, errno.EOPNOTSUPP)
    ),
    "prctl": _process_option,
    "keyctl": _asking(
        KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, 0, 0, 0, beyond=(errno.ENOKEY,)
    ),
    **_names(("add_key", "request_key"), _instead(0, 0, 0, 0, 0)),
    "fsopen": _instead(0, 0),
    **_names(("settimeofday", "clock_settime", "adjtimex", "clock_adjtime"), _setting_time),
    **_names(("swapon", "swapoff", "acct"), _instead(NOWHERE, 0)),
    **_names(SIGNALS, _signal),
    "sched_setscheduler": _of_itself(0),
    "setpriority": _niceness,
    "umount2": unmounting,
    "mount": mounting,
    **_names(("bind", "connect"), _on_socket),
    **_names(FORKING, _cloning),
    **_names(("execve", "execveat"), _running),
    "reboot": _instead(0, 0, 0, 0),
    "kexec_load": _instead(0, 0xFFFF, 0, 0),
    "init_module": _instead(0, 0, b""),
    "finit_module": _instead(-1, b"", 0),
    "delete_module": _instead(b"", os.O_NONBLOCK),
    "syslog": _kernel_log,
    "setns": _joining,
    "setsockopt": _socket_option,
    "prlimit64": _of_itself(0),
    "ioctl": _interface,
    "ptrace": _instead(k.PTRACE_SEIZE, NO_PROCESS, 0, 0),
}  # fmt: skip
