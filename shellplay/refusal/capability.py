"""The capability that a call needs, capabilities(7)."""

from __future__ import annotations

import errno

from shellplay.kernel import credentials, procfs
from shellplay.kernel.capabilities import NAMES
from shellplay.kernel.stub import Stub
from shellplay.refusal.call import RefusedCall

SOCK_RAW, AF_PACKET, SOCK_TYPE = 3, 17, 0xF
OF_CALLS = {
    "netlink": "net_admin", "bind": "net_bind_service", "mknod": "mknod", "mknodat": "mknod",
    "chown": "chown", "lchown": "chown", "fchownat": "chown", "fchown": "chown",
    "chmod": "fowner", "fchmodat": "fowner", "fchmod": "fowner", "utimensat": "fowner",
    "setuid": "setuid", "setreuid": "setuid", "setresuid": "setuid", "setgid": "setgid",
    "setregid": "setgid", "setresgid": "setgid", "setgroups": "setgid", "capset": "setpcap",
    "chroot": "sys_chroot", "reboot": "sys_boot", "kexec_load": "sys_boot",
    "init_module": "sys_module", "finit_module": "sys_module", "delete_module": "sys_module",
    "settimeofday": "sys_time", "clock_settime": "sys_time", "adjtimex": "sys_time",
    "clock_adjtime": "sys_time", "syslog": "syslog", "ptrace": "sys_ptrace",
    "process_vm_readv": "sys_ptrace", "kill": "kill", "acct": "sys_pacct",
    "iopl": "sys_rawio", "ioperm": "sys_rawio", "setpriority": "sys_nice",
    "sched_setscheduler": "sys_nice", "prlimit64": "sys_resource", "setrlimit": "sys_resource",
    "open_by_handle_at": "dac_read_search", "bpf": "bpf", "perf_event_open": "perfmon",
    "mlock": "ipc_lock", "setsockopt": "net_admin",
}  # fmt: skip
OF_SYS_ADMIN = (
    "mount", "umount2", "pivot_root", "open_tree", "fsopen", "swapon", "swapoff", "sethostname",
    "setdomainname", "unshare", "setns", "clone", "clone3", "fanotify_init", "quotactl",
)  # fmt: skip


def needed(call: RefusedCall) -> str | None:
    """Return the name of the capability without which a call is refused; None if unknown."""
    if call.name == "socket":
        family, kind = int(call.arguments[0]), int(call.arguments[1]) & SOCK_TYPE
        return "net_raw" if family == AF_PACKET or kind == SOCK_RAW else None
    if call.name in OF_SYS_ADMIN:
        return "sys_admin"
    if call.name in OF_CALLS:
        return OF_CALLS[call.name]
    return "dac_override" if call.paths and call.errno == errno.EACCES else None


def drop(stub: Stub, name: str) -> None:
    """Take one capability from a stub that has it, capset(2)."""
    status = procfs.status(stub.pid)
    assert status is not None, "it waits for us"
    left = status.permitted & ~(1 << NAMES.index(name))
    credentials.capset(stub, status.effective & left, left, 0)
