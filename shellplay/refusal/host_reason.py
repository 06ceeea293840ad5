"""Why a call is refused although no fence is the cause, read from the kernel at this moment."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from shellplay.kernel import procfs
from shellplay.kernel.capabilities import has
from shellplay.kernel.explain import sysctl
from shellplay.kernel.mountinfo import mounts
from shellplay.kernel.proc_write import status_within
from shellplay.refusal.call import RefusedCall
from shellplay.refusal.capability import needed

# A kernel parameter, the values with which it restricts, and the calls that it restricts.
PARAMETERS: tuple[tuple[str, Callable[[int], bool], tuple[str, ...]], ...] = (
    ("kernel.dmesg_restrict", lambda value: value > 0, ("syslog",)),
    ("kernel.perf_event_paranoid", lambda value: value > 1, ("perf_event_open",)),
    ("kernel.unprivileged_bpf_disabled", lambda value: value > 0, ("bpf",)),
    ("kernel.yama.ptrace_scope", lambda value: value > 0, ("ptrace", "process_vm_readv")),
    ("kernel.unprivileged_userns_clone", lambda value: value == 0, ("unshare", "clone")),
    ("user.max_user_namespaces", lambda value: value == 0, ("unshare", "clone", "clone3")),
    ("vm.unprivileged_userfaultfd", lambda value: value == 0, ("userfaultfd",)),
    ("kernel.io_uring_disabled", lambda value: value > 0, ("io_uring_setup",)),
    ("kernel.modules_disabled", lambda value: value > 0, ("init_module", "finit_module")),
    ("kernel.kexec_load_disabled", lambda value: value > 0, ("kexec_load",)),
)
# What other errnos say of the machine, whatever was called.
OTHERS = {
    errno.ECONNREFUSED: "no program listens at that address",
    errno.ENETUNREACH: "no route leads to that address",
    errno.EHOSTUNREACH: "no machine answers at that address",
    errno.EADDRINUSE: "another program has that address already",
    errno.EADDRNOTAVAIL: "no interface has that address",
    errno.ESRCH: "no process has that number",
    errno.EBUSY: "it is in use",
    errno.EMFILE: "the process has as many open files as its limit allows",
    errno.ENFILE: "the machine has as many open files as it can have",
    errno.ENOSPC: "the file system is full",
    errno.ENODEV: "the kernel has no such device",
    errno.ENXIO: "no device is behind that file",
}
FLAGS = {"ro": errno.EROFS, "nodev": errno.EACCES, "noexec": errno.EACCES}


def of(call: RefusedCall, pid: int) -> tuple[str, str | None]:
    """Return the rule that refuses a call to a bash, and a command that helps, or None."""
    if call.errno == errno.ENOSYS:
        return f"this kernel has no {call.name}", None
    for name, restricts, calls in PARAMETERS:
        value = sysctl(name)
        known = call.name in calls and value and value.lstrip("-").isdigit()
        if known and restricts(int(value or 0)):
            return f"the kernel parameter {name} is {value}", f"sysctl {name}, as root"
    if call.paths and (found := _of_path(call, pid)):
        return found
    if call.errno in OTHERS:
        return OTHERS[call.errno], None
    status = procfs.status(pid)
    capability = needed(call)
    if (
        call.errno in (errno.EPERM, errno.EACCES)
        and status
        and capability
        and not has(status.effective, capability)
    ):
        where = "the host gives it to root only" if os.geteuid() else "bash has lost it"
        return f"it takes CAP_{capability.upper()}, and {where}", None
    label = _label(pid)
    if label:
        return (
            f"a security module confines bash: its label is {label}",
            "dmesg | grep -i denied",
        )
    return "the kernel refuses it on the host, too", None


def _of_path(call: RefusedCall, pid: int) -> tuple[str, str | None] | None:
    path = call.path
    if call.errno == errno.ENOENT:
        return _missing(path, pid)
    options = _mount_options(path, pid)
    for flag, number in FLAGS.items():
        if call.errno == number and flag in options and _concerns(flag, call, pid):
            at = options["point"]
            return f"{path} is on a mount with {flag}, at {at}", f"mount -o remount,rw {at}"
    if call.errno not in (errno.EACCES, errno.EPERM):
        return None
    return _not_executable(call, pid) or _mode(path, pid)


def _not_executable(call: RefusedCall, pid: int) -> tuple[str, str | None] | None:
    asked = call.name in ("execve", "execveat") or call.arguments[-1] == os.X_OK
    found = status_within(pid, call.path)
    if not (asked and found and stat.S_ISREG(found.st_mode)) or found.st_mode & 0o111:
        return None
    mode = stat.filemode(found.st_mode)
    return (
        f"the file {call.path} is not executable: its mode is {mode}",
        f"chmod +x {call.path}",
    )


def _missing(path: str, pid: int) -> tuple[str, str | None]:
    parent, _, name = path.rpartition("/")
    while parent and status_within(pid, parent) is None:
        parent, _, name = parent.rpartition("/")
    parent = parent or "/"
    return f"there is no {name} in {parent}", f"in ls -la {parent}"


def _mode(path: str, pid: int) -> tuple[str, str | None] | None:
    """Say which file on the way to a path does not let bash pass."""
    status = procfs.status(pid)
    if status is None or has(status.effective, "dac_override"):
        return None
    parts = path.rstrip("/").split("/")
    for end in range(1, len(parts) + 1):
        here = "/".join(parts[:end]) or "/"
        found = status_within(pid, here)
        if found is None:
            break
        last = end == len(parts)
        if not _lets_pass(found, status, search=not last):
            kind = "directory" if stat.S_ISDIR(found.st_mode) else "file"
            mode = stat.filemode(found.st_mode)
            return (
                f"the mode of the {kind} {here} is {mode}, its owner has UID {found.st_uid}, "
                f"and bash has UID {status.effective_uid}",
                f"chmod or chown {here}, by its owner",
            )
    parent = path.rpartition("/")[0] or "/"
    found = status_within(pid, parent)
    if found is not None and not _bits(found, status) & 2:
        return (
            f"the mode of the directory {parent} is {stat.filemode(found.st_mode)}, its owner "
            f"has UID {found.st_uid}, and bash has UID {status.effective_uid}",
            f"chmod or chown {parent}, by its owner",
        )
    return None


def _lets_pass(found: os.stat_result, status: procfs.Status, *, search: bool) -> bool:
    bits = _bits(found, status)
    return bool(bits & 1) if search else bits == 7 or bool(bits & 4 and bits & 2)


def _bits(found: os.stat_result, status: procfs.Status) -> int:
    """Return the permission bits that count for bash: of owner, group or others."""
    if found.st_uid == status.effective_uid:
        return found.st_mode >> 6 & 7
    if found.st_gid == status.gid:
        return found.st_mode >> 3 & 7
    return found.st_mode & 7


def _concerns(flag: str, call: RefusedCall, pid: int) -> bool:
    found = status_within(pid, call.path)
    if flag == "ro":
        return True
    if flag == "noexec":
        return call.name in ("execve", "execveat")
    return found is not None and stat.S_IFMT(found.st_mode) in (stat.S_IFCHR, stat.S_IFBLK)


def _mount_options(path: str, pid: int) -> dict[str, str]:
    """Return the options of the mount that holds a path, and the path of its ``point``."""
    holding = [
        each
        for each in mounts(pid) or ()
        if f"{path}/".startswith(f"{each.point.rstrip('/')}/")
    ]
    if not holding:
        return {}
    last = max(holding, key=lambda each: len(each.point))
    return {**dict.fromkeys((*last.options, *last.super_options), ""), "point": last.point}


def _label(pid: int) -> str | None:
    try:
        content = procfs.text(procfs.read(pid, "attr/current") or b"").strip("\0\n ")
    except OSError:
        return None  # EINVAL: no security module is active.
    return None if content in ("", "unconfined", "kernel") else content
