"""Refusals that are caused for real, and the cause that ``why`` has to prove.

docs/why.md shows this list as a table.
"""

from __future__ import annotations

from typing import NamedTuple

PYTHON = "/usr/bin/python3 -I -c"
SOCKET = f"{PYTHON} 'import socket; socket.socket"
PTRACE = (
    f"{PYTHON} 'import ctypes, os; c = ctypes.CDLL(None, use_errno=True); "
    "c.ptrace(0x4206, os.getppid(), 0, 0); raise OSError(ctypes.get_errno(), "
    "os.strerror(ctypes.get_errno()))'"
)


class Refusal(NamedTuple):
    """A line that is refused behind some fences.

    ``cause`` are the kinds of the fences without which it passes, none if no fence is the
    cause; ``host`` is then a part of the reason.  ``capability`` is what the caps fence took.
    """

    line: str
    call: str
    error: str
    cause: tuple[str, ...]
    capability: str | None = None
    host: str = ""


# The fences as they are typed, and what is refused behind them.
AS_ROOT: dict[str, tuple[Refusal, ...]] = {
    "docker": (
        Refusal("mount -t tmpfs none /mnt", "mount", "EPERM", ("seccomp", "caps"), "sys_admin"),
        Refusal("hostname other", "sethostname", "EPERM", ("seccomp", "caps"), "sys_admin"),
        Refusal("dmesg", "syslog", "EPERM", ("seccomp", "caps"), "syslog"),
        Refusal("date -s 10:00", "clock_settime", "EPERM", ("seccomp", "caps"), "sys_time"),
        Refusal("unshare -n true", "unshare", "EPERM", ("seccomp", "caps"), "sys_admin"),
        Refusal("unshare -r true", "unshare", "EPERM", ("seccomp",)),
        Refusal("nsenter -t 1 -n true", "setns", "EPERM", ("seccomp", "caps"), "sys_admin"),
        Refusal("ip link add d0 type dummy", "netlink", "EPERM", ("caps",), "net_admin"),
        Refusal("nice -n -5 true", "setpriority", "EACCES", ("caps",), "sys_nice"),
        Refusal("kill -9 2", "kill", "ESRCH", ("pid",)),
        Refusal("echo x > /proc/sys/kernel/hostname", "openat", "EROFS", ("proc",)),
        Refusal(
            "echo x > /sys/module/kernel/parameters/panic", "openat", "EROFS", ("sys",)
        ),
        Refusal("cat /nowhere", "openat", "ENOENT", (), host="there is no nowhere in /"),
        Refusal("/etc/passwd", "access", "EACCES", (), host="/etc/passwd is not executable"),
    ),
    "caps drop=net_raw": (
        Refusal(f"{SOCKET}(2, 3, 1)'", "socket", "EPERM", ("caps",), "net_raw"),
    ),
    "caps drop=chown": (
        Refusal("chown 5 /etc/shadow", "fchownat", "EPERM", ("caps",), "chown"),
    ),
    "caps drop=mknod": (
        Refusal("mknod /tmp/node b 8 0", "mknodat", "EPERM", ("caps",), "mknod"),
    ),
    "caps drop=sys_chroot": (
        Refusal("/usr/sbin/chroot / true", "chroot", "EPERM", ("caps",), "sys_chroot"),
    ),
    "caps drop=setuid": (
        Refusal("setpriv --reuid 5 true", "setresuid", "EPERM", ("caps",), "setuid"),
    ),
    "caps drop=net_bind_service": (
        Refusal(
            f'{SOCKET}().bind(("127.0.0.1", 80))\'',
            "bind",
            "EACCES",
            ("caps",),
            "net_bind_service",
        ),
    ),
    "caps drop=net_raw; fence seccomp deny=mkdir,mkdirat": (
        Refusal(f"{SOCKET}(2, 3, 1)'", "socket", "EPERM", ("caps",), "net_raw"),
        Refusal("mkdir /tmp/other", "mkdir", "EPERM", ("seccomp",)),
        Refusal("cat /nowhere", "openat", "ENOENT", (), host="there is no nowhere in /"),
    ),
    "seccomp deny=ptrace": (Refusal(PTRACE, "ptrace", "EPERM", ("seccomp",)),),
    "seccomp deny=mkdir,mkdirat action=kill": (
        Refusal("mkdir /tmp/other", "mkdir", "ENOSYS", ("seccomp",)),
    ),
    "root --ro": (
        Refusal("touch /var/other", "openat", "EROFS", ("root",)),
        Refusal("mkdir /var/other", "mkdir", "EROFS", ("root",)),
        Refusal("rm /etc/passwd", "unlinkat", "EROFS", ("root",)),
        Refusal("chmod 600 /etc/passwd", "fchmodat", "EROFS", ("root",)),
    ),
    "dev": (Refusal("ls /dev/kmsg", "statx", "ENOENT", ("dev",)),),
    "pids max=4": (
        Refusal("for i in 1 2 3 4 5; do sleep 1 & done; wait", "clone", "EAGAIN", ("pids",)),
    ),
    "user": (
        Refusal("date -s 10:00", "clock_settime", "EPERM", ("user",)),
        Refusal("hostname other", "sethostname", "EPERM", ("user",)),
        Refusal("ip link add d0 type dummy", "netlink", "EPERM", ("user",)),
    ),
}  # fmt: skip
AS_ANYONE: dict[str, tuple[Refusal, ...]] = {
    "landlock write=/tmp": (
        Refusal("touch /var/tmp/other", "openat", "EACCES", ("landlock",)),
        Refusal("mkdir /var/tmp/other", "mkdir", "EACCES", ("landlock",)),
    ),
    "userns-lock": (Refusal("unshare -U true", "unshare", "EPERM", ("userns-lock",)),),
    "rlimit nofile=20": (
        Refusal(
            f"{PYTHON} 'import os; [os.open(\"/dev/null\", 0) for _ in range(30)]'",
            "openat", "EMFILE", ("rlimit",),
        ),
    ),
    "seccomp deny=unshare": (Refusal("unshare -U true", "unshare", "EPERM", ("seccomp",)),),
    "net": (
        Refusal("ip addr add 10.0.0.1/8 dev none", "ioctl", "ENODEV", (), host="such device"),
    ),
}  # fmt: skip
AS_ORDINARY: dict[str, tuple[Refusal, ...]] = {
    "rlimit nofile=100": (
        Refusal(
            "cat /etc/shadow", "openat", "EACCES", (), host="the mode of the file /etc/shadow"
        ),
        Refusal("ls /root", "openat", "EACCES", (), host="the mode of the directory /root"),
        Refusal(f"{SOCKET}(2, 3, 1)'", "socket", "EPERM", (), host="CAP_NET_RAW"),
    ),
}  # fmt: skip
