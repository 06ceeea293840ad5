"""The index of the fences: the facts that are needed before the file of a fence is loaded.

Tables show the fences in this order, which is about the order in which runc applies them.
``python -m tests.index`` writes the entries from the fences; it keeps the order, and appends
new fences.
"""

from shellplay.model import Value


class Entry(Value):
    """The effect of a fence, its man page and its aliases."""

    effect: str
    man: str
    aliases: tuple[str, ...] = ()


FENCES = {
    "user": Entry(
        "Gives bash users of its own: root inside has no privilege over the host",
        "user_namespaces(7)",
        ("userns", "users"),
    ),
    "mnt": Entry(
        "Gives bash mounts of its own: a mount made inside stays inside",
        "mount_namespaces(7)",
        ("mount", "ns"),
    ),
    "uts": Entry(
        "Gives bash a host name of its own; a change inside stays inside",
        "uts_namespaces(7)",
        ("hostname", "host"),
    ),
    "ipc": Entry(
        "Gives bash its own System V shared memory, semaphores and message queues",
        "ipc_namespaces(7)",
    ),
    "net": Entry(
        "Gives bash a network of its own: interfaces, routes, ports, abstract sockets",
        "network_namespaces(7)",
        ("network",),
    ),
    "pid": Entry(
        "Gives bash its own PIDs; it cannot signal processes outside",
        "pid_namespaces(7)",
        ("process", "processes"),
    ),
    "cgroup": Entry(
        "Shows bash its own cgroup as the root of the tree, in /proc/self/cgroup",
        "cgroup_namespaces(7)",
        ("cgroupns",),
    ),
    "time": Entry(
        "Moves the clocks that count from the start of the host",
        "time_namespaces(7)",
        ("clock",),
    ),
    "root": Entry(
        "Gives bash another root directory: the files of the host, a directory, an image",
        "pivot_root(2)",
        ("rootfs", "chroot", "files"),
    ),
    "proc": Entry(
        "Covers the secrets and the switches of the kernel in /proc, as Docker does", "proc(5)"
    ),
    "sys": Entry(
        "Makes /sys read-only, with the switches of devices, drivers and cgroups",
        "sysfs(5)",
        ("sysfs",),
    ),
    "dev": Entry(
        "Hides the devices of the host: disks, memory, the terminals of other users",
        "pts(4)",
        ("devices",),
    ),
    "memory": Entry("Limits the memory of the whole container", "cgroups(7)"),
    "cpu": Entry("Limits the CPU time of the whole container, in every 100 ms", "cgroups(7)"),
    "pids": Entry(
        "Limits the number of processes; a fork bomb stays in the container", "cgroups(7)"
    ),
    "io": Entry(
        "Limits how fast the container reads and writes a disk, in bytes per second",
        "cgroups(7)",
    ),
    "cpuset": Entry(
        "Runs the container on these CPUs only; nproc inside counts only them", "cpuset(7)"
    ),
    "rlimit": Entry(
        "Limits what each process may use: open files, file sizes, CPU time", "getrlimit(2)"
    ),
    "caps": Entry(
        "Drops capabilities of root; no program inside gets them back, not even setuid ones",
        "capabilities(7)",
        ("capabilities", "cap"),
    ),
    "nnp": Entry(
        "Keeps set-user-ID programs like su and sudo from gaining privileges",
        "PR_SET_NO_NEW_PRIVS(2const)",
        ("no_new_privs",),
    ),
    "landlock": Entry(
        "Limits files and TCP ports: what is not listed is denied", "landlock(7)"
    ),
    "seccomp": Entry(
        "Filters system calls: a call that is not allowed fails, for root too", "seccomp(2)"
    ),
    "userns-lock": Entry(
        "Denies new user namespaces: root of a new one reaches more of the kernel",
        "user_namespaces(7)",
        ("userns_lock", "disable-userns"),
    ),
}

ORDER = tuple(FENCES)
ALIASES = {alias: kind for kind, entry in FENCES.items() for alias in entry.aliases}
