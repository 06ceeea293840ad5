"""Explain why the kernel refused a call: the rule behind the errno, and a command as fix."""

from __future__ import annotations

import errno

from shellplay.errors import KernelError, Refused, Shortage
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.shortage import shortage

# These say the same whatever was called; ENOMEM and ENOSPC have other meanings as well.
USED_UP = (errno.EMFILE, errno.ENFILE, errno.EAGAIN)
CAPABILITIES = {"unshare": "CAP_SYS_ADMIN", "clone": "CAP_SYS_ADMIN", "setns": "CAP_SYS_ADMIN"}
USERNS_CLONE = "kernel.unprivileged_userns_clone"
APPARMOR = "kernel.apparmor_restrict_unprivileged_userns"
YAMA = "kernel.yama.ptrace_scope"
# Only these two kinds have a limit of depth, user_namespaces(7) and pid_namespaces(7).
NESTED = ("user", "pid")


def sysctl(name: str) -> str | None:
    """Return the value of a kernel parameter, or None if it cannot be read."""
    try:
        with open(f"/proc/sys/{name.replace('.', '/')}") as file:
            return file.read().strip()
    except OSError:
        return None


def explained(error: KernelError, kind: str, pid: int) -> Refused | Shortage:
    """Return an error that names the cause of ``error`` and the fix.

    ``kind`` is the kind of the fence; ``pid`` is the bash that made the call.
    """
    if error.errno in USED_UP and (found := shortage(error.errno, error.call)):
        return Shortage(f"{kind}: {found[0]} ({error.message})", found[1])
    reason, fix = _reason(error, kind, pid)
    return Refused(f"{kind}: {reason} ({error.message})", fix)


def ptrace_refusal(pid: int) -> str:
    """Say why ptrace(2) is refused for a process of our own user."""
    scope = sysctl(YAMA)
    status = procfs.status(pid)
    if status is not None and status.tracer:
        return f"process {status.tracer} traces bash already, and only one can"
    if scope == "2":
        return f"this system lets only root use ptrace ({YAMA} = 2)"
    if scope == "3":
        return f"this system lets nobody use ptrace until it restarts ({YAMA} = 3)"
    return "ptrace is refused by this system"


def _reason(error: KernelError, kind: str, pid: int) -> tuple[str, str | None]:
    if kind == "seccomp" and error.call != "seccomp":
        return f"bash itself needs {error.call}, and this filter denies it", None
    if kind == "rlimit" and error.errno == errno.EPERM:
        return (
            "a hard limit is raised with CAP_SYS_RESOURCE over the host's user namespace only",
            "take the one that it has",
        )
    if kind == "landlock" and error.call == "openat2":
        return f"bash cannot open {error.subject}, so nothing can be allowed below it", None
    if kind == "root" and error.call == "mount" and error.errno in (errno.ENODEV, errno.EINVAL):
        return (
            "no overlay can be over these layers: this kernel or their file system has none",
            "modprobe overlay, as root, or XDG_DATA_HOME on another file system",
        )
    if kind == "mount" and error.call in ("mkdirat", "mknodat"):
        return f"nothing can be made at {error.subject} inside", "make it, or take another path"
    match error.errno:
        case errno.EINVAL | errno.ENOTDIR if kind == "mount" and error.call == "move_mount":
            return "a directory goes on a directory, and a file on a file", "take another path"
        case errno.EOVERFLOW:
            return (
                "bash is nobody inside: the map of its user fence leaves its own user out",
                "as in fence user map=0:0:1,1:100000:65535",
            )
        case errno.ENOSYS:
            return f"this kernel has no {error.call}", None
        case errno.ENOSPC if kind in namespaces.KINDS:
            name = f"user.max_{kind}_namespaces"
            deep = ", or they are nested 32 deep" if kind in NESTED else ""
            return (
                f"no more {kind} namespaces are allowed: {name} is {sysctl(name)}{deep}",
                f"sysctl {name}=1000, as root",
            )
        case errno.EINVAL if kind in namespaces.KINDS and not namespaces.supported(kind):
            return f"this kernel has no {kind} namespaces", None
        case errno.ENOMEM if kind == "pid":
            return "PID 1 of that namespace has ended, so nothing can start in it", "peel pid"
        case errno.ENOMEM | errno.ENOSPC if found := shortage(error.errno, error.call):
            return found
        case errno.EPERM if kind == "proc" and error.call == "mount":
            return "where a part of /proc is hidden the kernel mounts no fresh one", None
        case errno.EPERM:
            return _not_permitted(error, kind, pid)
    return "the kernel refused it", None


def _not_permitted(error: KernelError, kind: str, pid: int) -> tuple[str, str | None]:
    if kind == "user":
        if sysctl(USERNS_CLONE) == "0":
            return (
                f"{USERNS_CLONE} is 0: ordinary users may not make one",
                f"sysctl {USERNS_CLONE}=1, as root",
            )
        if error.call in ("unshare", "clone"):
            return "a bash in a chroot may not make one", "peel root"
    if sysctl(APPARMOR) == "1":
        return (
            f"{APPARMOR} is 1: a user namespace of an ordinary user has no privileges",
            "an AppArmor profile with `userns,` for shellplay, or for all programs, as root: "
            f"sysctl {APPARMOR}=0",
        )
    owner = namespaces.identify(pid, "user")
    needed = CAPABILITIES.get(error.call, "a capability")
    return f"bash lacks {needed} over the user namespace {owner}", "fence user, first"
