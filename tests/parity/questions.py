"""Find out what a program can see and do; this file runs in a container, and prints JSON.

It gets the numbers and names of the system calls to try as its argument, as JSON.  It needs
nothing but Python's own library, and changes nothing outside of the container.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

Answers = Iterator[tuple[str, str]]

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
COVERED = (
    "/proc/acpi", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/interrupts", "/proc/irq",
    "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/scsi", "/proc/sched_debug",
    "/proc/sysrq-trigger", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
    "/sys/devices/virtual/powercap", "/proc/kmsg", "/proc/kallsyms",
    "/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern",
    "/proc/sys/net/ipv4/ip_forward", "/sys/kernel/uevent_helper", "/sys/fs/cgroup",
    "/sys/kernel/security", "/sys/kernel/debug", "/sys/kernel/tracing",
)  # fmt: skip
HOSTS = "/etc/hosts"
FILES = (HOSTS, "/etc/hostname", "/etc/resolv.conf", "/proc/sys/kernel/hostname")
SYSCTLS = (
    "net/ipv4/ip_unprivileged_port_start", "net/ipv4/ping_group_range", "net/ipv4/ip_forward",
    "kernel/domainname", "kernel/shmmax", "fs/mqueue/msg_max",
)  # fmt: skip
LIMITS = (
    "memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes", "memory.max",
    "memory.swap.max", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us", "cpu.max",
    "pids/pids.max", "pids.max", "cpuset/cpuset.cpus", "cpuset.cpus",
)  # fmt: skip
# Device nodes that no process in a container should open: mem, sda, loop0, fuse, tun.
FORBIDDEN = {"mem": (1, 1), "kmsg": (1, 11), "sda": (8, 0), "fuse": (10, 229), "tun": (10, 200)}
PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_GET_SECUREBITS, PR_GET_CHILD_SUBREAPER = 2, 3, 27, 37

libc = ctypes.CDLL(None, use_errno=True)


def error_of(attempt: Callable[[], object]) -> str:
    """Return ``ok``, or the name of the error that an attempt raises."""
    try:
        attempt()
    except OSError as error:
        return name_of(error.errno or 0)
    return "ok"


def name_of(number: int) -> str:
    """Return the name of an error."""
    return errno.errorcode.get(number, str(number))


def call(number: int, *arguments: int) -> str:
    """Make a system call in a child process; return ``ok``, its error or its signal."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(5)
        ctypes.set_errno(0)
        found = libc.syscall(
            ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments)
        )
        said = name_of(ctypes.get_errno()) if found == -1 else "ok"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 64).decode()
    os.close(reader)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return said or f"ended with {status}"


def names_in(directory: str) -> list[str]:
    """Return the names in a directory."""
    return [each.name for each in Path(directory).iterdir()]


# -- what a program sees -------------------------------------------------------------------


def namespaces() -> Answers:
    """Return the inodes of the namespaces."""
    for kind in NAMESPACES:
        yield f"namespace.{kind}", str(Path(f"/proc/self/ns/{kind}").stat().st_ino)


def process() -> Answers:
    """Return the user, the directory and the status of this process."""
    yield "process.pid", str(os.getpid())
    yield "process.ppid", str(os.getppid())
    yield "process.pgid", str(os.getpgrp())
    yield "process.sid", str(os.getsid(0))
    yield "process.user", f"{os.getresuid()} {os.getresgid()} {sorted(os.getgroups())}"
    yield "process.cwd", str(Path.cwd())
    mask = os.umask(0o022)
    os.umask(mask)
    yield "process.umask", f"{mask:03o}"
    yield "process.nice", str(os.nice(0))
    yield "process.scheduler", str(os.sched_getscheduler(0))
    yield "process.processors", str(sorted(os.sched_getaffinity(0)))
    for name in ("oom_score_adj", "loginuid", "attr/current", "personality", "coredump_filter"):
        yield f"process.{name}", text_of(f"/proc/self/{name}")
    for name, number in {
        "dumpable": PR_GET_DUMPABLE,
        "securebits": PR_GET_SECUREBITS,
    }.items():
        yield f"process.{name}", str(libc.prctl(number, 0, 0, 0, 0))
    for name, number in {
        "pdeathsig": PR_GET_PDEATHSIG,
        "subreaper": PR_GET_CHILD_SUBREAPER,
    }.items():
        value = ctypes.c_int(-1)
        libc.prctl(number, ctypes.byref(value), 0, 0, 0)
        yield f"process.{name}", str(value.value)
    seen = sorted(int(each) for each in names_in("/proc") if each.isdecimal())
    yield "process.seen", str(seen if len(seen) < 4 else "many")
    for pid in seen[:1]:
        yield "process.first", text_of(f"/proc/{pid}/comm")


def text_of(path: str) -> str:
    """Return the text of a file, or the error."""
    try:
        return Path(path).read_bytes().decode(errors="replace").strip().strip("\0")
    except OSError as error:
        return name_of(error.errno or 0)


def environment() -> Answers:
    """Return all environment variables."""
    for name, value in os.environ.items():
        yield f"environment.{name}", value


def descriptors() -> Answers:
    """Return the kinds of the open descriptors."""
    kinds = {
        stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFREG: "file",
        stat.S_IFSOCK: "socket", stat.S_IFDIR: "directory",
    }  # fmt: skip
    for name in names_in("/proc/self/fd"):
        try:
            found = os.fstat(int(name))
        except OSError:
            continue  # That was the directory itself, read for this list.
        kind = kinds.get(stat.S_IFMT(found.st_mode), "other")
        if kind == "device":
            kind = f"device {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
        yield f"descriptor.{name}", kind


def limits() -> Answers:
    """Return the limits of the process and of its cgroup."""
    for name in sorted(vars(resource)):
        if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE":
            soft, hard = resource.getrlimit(getattr(resource, name))
            yield f"rlimit.{name[7:].lower()}", f"{soft}:{hard}"
    for line in text_of("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        yield f"cgroup.path.{controllers or 'v2'}", path
    for name in LIMITS:
        yield f"cgroup.{name}", text_of(f"/sys/fs/cgroup/{name}")
        yield f"cgroup.{name}.write", writing(f"/sys/fs/cgroup/{name}")


def writing(path: str) -> str:
    """Tell whether a file can be opened to be written, without writing."""
    return error_of(lambda: os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC)))


# -- files ---------------------------------------------------------------------------------


def mounts() -> Answers:
    """Return all mounts by mount point: type, options, root and propagation."""
    seen: dict[str, int] = {}
    for line in text_of("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        _, _, _, source, place, options, *tags = left.split()
        kind, device, more = right.split()
        seen[place] = seen.get(place, 0) + 1
        key = f"mount.{place}" + (f"#{seen[place]}" if seen[place] > 1 else "")
        yield key, kind
        yield f"{key}.options", ",".join(sorted(options.split(",")))
        yield f"{key}.super", ",".join(sorted(more.split(",")))
        yield f"{key}.source", f"{device} {source}"
        yield f"{key}.propagation", " ".join(tag.partition(":")[0] for tag in tags) or "private"


def covered() -> Answers:
    """Return the kind of each path that Docker masks or protects."""
    for path in COVERED:
        yield f"path.{path}", what(path)
        if not Path(path).is_dir():
            yield f"path.{path}.read", reading(path)
            yield f"path.{path}.write", writing(path)


def what(path: str) -> str:
    """Return kind, mode and owner of a file, and the names in a directory."""
    try:
        found = os.lstat(path)
    except OSError as error:
        return name_of(error.errno or 0)
    said = f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"
    if stat.S_ISLNK(found.st_mode):
        return f"{said} -> {Path(path).readlink()}"
    if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        return f"{said} {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    if stat.S_ISDIR(found.st_mode):
        try:
            return f"{said} {'with files' if names_in(path) else 'empty'}"
        except OSError as error:
            return f"{said} {name_of(error.errno or 0)}"
    return said


def reading(path: str) -> str:
    """Tell whether a file can be read, and whether it is empty."""
    try:
        with open(path, "rb", buffering=0, opener=without_waiting) as file:
            return "something" if file.read(1) else "nothing"
    except OSError as error:
        return name_of(error.errno or 0)


def without_waiting(path: str, flags: int) -> int:
    """Open a file as ``open`` does, without waiting for the writer of a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK)


def hosts() -> Answers:
    """Return the names of each address in /etc/hosts; its own ones differ on each side."""
    for line in text_of(HOSTS).splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        is_known = address.startswith(("127.", "::1", "fe00:", "ff0"))
        kind = address if is_known else f"own{6 if ':' in address else 4}"
        if address:
            yield f"hosts.{kind}", " ".join(names)


def files() -> Answers:
    """Return the text of the files that Docker makes for a container, and the names in /."""
    yield from hosts()
    for path in FILES:
        if path != HOSTS:
            yield f"text.{path}", text_of(path)
        yield f"text.{path}.is", what(path)
        yield f"text.{path}.write", writing(path)
    for directory in ("/", "/etc"):
        for name in sorted(names_in(directory)):
            place = str(Path(directory) / name)
            if Path(place).is_dir() or directory == "/":
                yield f"root.{place}", what(place)
    for directory in ("/", "/etc", "/tmp", "/dev", "/dev/shm", "/proc", "/sys"):
        made = Path(directory) / ".parity"
        yield f"create.{directory}", error_of(partial(create, made))
    for name in SYSCTLS:
        yield f"sysctl.{name}", text_of(f"/proc/sys/{name}")
        yield f"sysctl.{name}.write", writing(f"/proc/sys/{name}")


def create(place: Path) -> None:
    """Create a file, and remove it."""
    place.touch(exist_ok=False)
    place.unlink()


def devices() -> Answers:
    """Return the names in /dev, the devices that open, and other devices that would."""
    for name in sorted(names_in("/dev")):
        yield f"device.{name}", what(f"/dev/{name}")
        if not Path(f"/dev/{name}").is_dir() and name not in ("console", "tty"):
            yield f"device.{name}.read", error_of(partial(opened, f"/dev/{name}"))
    for name, (major, minor) in FORBIDDEN.items():
        kind = stat.S_IFBLK if name == "sda" else stat.S_IFCHR
        yield f"forbidden.{name}", forbidden(kind, os.makedev(major, minor))


def forbidden(kind: int, device: int) -> str:
    """Create a device node and open it; return the result; nothing is read."""
    place = Path("/tmp/.parity-device")
    said = error_of(lambda: os.mknod(place, kind | 0o600, device))
    if said != "ok":
        return f"mknod {said}"
    try:
        said = error_of(partial(opened, str(place)))
    finally:
        place.unlink()
    return f"open {said}"


def opened(path: str) -> None:
    """Open a file to read, and close it."""
    os.close(without_waiting(path, os.O_RDONLY))


def network() -> Answers:
    """Return the interfaces and the routes."""
    names = [name for _, name in socket.if_nameindex()]
    yield "network.interfaces", " ".join(sorted(names))
    for name in names:
        for fact in ("flags", "mtu", "tx_queue_len"):
            yield f"network.{name}.{fact}", text_of(f"/sys/class/net/{name}/{fact}")
    yield "network.routes", str(len(text_of("/proc/net/route").splitlines()) - 1)
    yield "network.addresses", str(len(text_of("/proc/net/if_inet6").splitlines()))


# -- what a program may do -----------------------------------------------------------------


def calls(numbers: dict[str, int]) -> Answers:
    """Return the result of each system call with -1 for all six arguments."""
    for name, number in sorted(numbers.items()):
        yield f"syscall.{name}", call(number, *([-1] * 6))


def attempts(numbers: dict[str, int]) -> Answers:
    """Return the results of meaningful system calls."""
    new = {"user": 0x10000000, "mnt": 0x00020000, "net": 0x40000000, "pid": 0x20000000}
    for kind, flag in new.items():
        yield f"attempt.unshare {kind}", call(numbers["unshare"], flag)
        yield f"attempt.clone {kind}", cloned(numbers["clone"], flag)
    none = ctypes.create_string_buffer(b"none")
    tmpfs = ctypes.create_string_buffer(b"tmpfs")
    root, here = ctypes.create_string_buffer(b"/"), ctypes.create_string_buffer(b"/tmp")
    yield (
        "attempt.mount",
        call(numbers["mount"], *map(ctypes.addressof, (none, here, tmpfs)), 0, 0),
    )
    yield "attempt.chroot", call(numbers["chroot"], ctypes.addressof(root))
    yield "attempt.personality", call(numbers["personality"], 0x0040000)
    yield "attempt.ptrace", call(numbers["ptrace"], 0, 0, 0, 0)
    yield "attempt.keyctl", call(numbers["keyctl"], 0, -3, 0)
    yield "attempt.sethostname", call(numbers["sethostname"], ctypes.addressof(none), 4)
    yield "attempt.setuid", call(numbers["setuid"], 12345)
    yield "attempt.setpriority", call(numbers["setpriority"], 0, 0, -5)
    yield "attempt.syslog", call(numbers["syslog"], 10, 0, 0)
    for name, family, sort in (
        ("alg", 38, socket.SOCK_SEQPACKET),
        ("vsock", 40, socket.SOCK_STREAM),
        ("packet", socket.AF_PACKET, socket.SOCK_RAW),
        ("raw", socket.AF_INET, socket.SOCK_RAW),
        ("netlink", socket.AF_NETLINK, socket.SOCK_RAW),
        ("unix", socket.AF_UNIX, socket.SOCK_STREAM),
    ):
        protocol = socket.IPPROTO_ICMP if name == "raw" else 0
        yield f"attempt.socket {name}", call(numbers["socket"], family, sort, protocol)


def cloned(number: int, flag: int) -> str:
    """Return the result of a fork into a new namespace."""
    reader, writer = os.pipe()
    outer = os.fork()
    if outer == 0:
        found = libc.syscall(
            ctypes.c_long(number), ctypes.c_long(flag | signal.SIGCHLD), 0, 0, 0
        )
        if found == 0:
            os._exit(0)
        said = name_of(ctypes.get_errno()) if found == -1 else "ok"
        if found > 0:
            os.waitpid(found, 0)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 64).decode()
    os.close(reader)
    os.waitpid(outer, 0)
    return said


def main() -> None:
    """Print every answer as one JSON object."""
    numbers: dict[str, int] = json.loads(sys.argv[1])
    answers: dict[str, str] = {}
    for ask in (
        descriptors, namespaces, process, environment, limits, mounts, covered, files, devices,
        network, lambda: calls(numbers), lambda: attempts(numbers),
    ):  # fmt: skip
        answers.update(ask())
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
