"""The index of the fences: the facts that are needed before the file of a fence is loaded.

Tables show the fences in this order, which is about the order in which runc applies them.
``python -m tests.index`` writes the entries from the fences; it keeps the order, and appends
new fences.
"""

from shellplay.model import Value


class Entry(Value):
    """What a fence hides, its man page and its aliases."""

    hides: str
    man: str
    aliases: tuple[str, ...] = ()


FENCES = {
    "user": Entry(
        "Users, groups and privileges: root inside is an ordinary user outside",
        "user_namespaces(7)",
        ("userns", "users"),
    ),
    "mnt": Entry(
        "Mounts: what is mounted inside is not seen outside",
        "mount_namespaces(7)",
        ("mount", "ns"),
    ),
    "uts": Entry(
        "The host name: what it is called inside is no longer what the host is called",
        "uts_namespaces(7)",
        ("hostname", "host"),
    ),
    "ipc": Entry(
        "Shared memory, semaphores and message queues of the host", "ipc_namespaces(7)"
    ),
    "net": Entry(
        "Interfaces, addresses, routes, ports and abstract sockets of the host",
        "network_namespaces(7)",
        ("network",),
    ),
    "pid": Entry(
        "Processes of the host: they cannot be signalled, and with mnt not be seen either",
        "pid_namespaces(7)",
        ("process", "processes"),
    ),
    "cgroup": Entry(
        "The path of its cgroup: /proc/self/cgroup shows / inside",
        "cgroup_namespaces(7)",
        ("cgroupns",),
    ),
    "time": Entry(
        "How long the host has been up: boot and monotonic clocks get an offset",
        "time_namespaces(7)",
        ("clock",),
    ),
    "root": Entry(
        "Files: what is written or deleted inside leaves those of the host as they are",
        "pivot_root(2)",
        ("rootfs", "chroot", "files"),
    ),
    "proc": Entry(
        "Secrets and switches of the kernel in /proc: kcore, keys, sysrq-trigger, /proc/sys",
        "proc(5)",
    ),
    "sys": Entry(
        "Switches of devices and drivers in /sys, and of cgroups: they can be read only",
        "sysfs(5)",
        ("sysfs",),
    ),
    "dev": Entry("Devices: disks, memory, other terminals", "devpts(4)", ("devices",)),
    "memory": Entry(
        "Memory: if all of it together wants more, the kernel kills one of its processes",
        "cgroups(7)",
    ),
    "cpu": Entry(
        "Processor time: in every tenth of a second it runs only so long, all together",
        "cgroups(7)",
    ),
    "pids": Entry(
        "The number of processes: once so many are there, fork fails, and no bomb spreads",
        "cgroups(7)",
    ),
    "io": Entry(
        "The speed of a disk: it reads and writes at most so many bytes in a second",
        "cgroups(7)",
    ),
    "cpuset": Entry(
        "The other processors: it runs on these only, and nproc inside counts no more",
        "cpuset(7)",
    ),
    "rlimit": Entry(
        "Resources of a process: open files, processes of its user, sizes and time",
        "getrlimit(2)",
    ),
    "caps": Entry(
        "Privileges of root: what is dropped no program inside can get, set-user-ID or not",
        "capabilities(7)",
        ("capabilities", "cap"),
    ),
    "nnp": Entry(
        "New privileges: set-user-ID programs like su and sudo stay what you are",
        "PR_SET_NO_NEW_PRIVS(2const)",
        ("no_new_privs",),
    ),
    "landlock": Entry(
        "Files and TCP ports, by what may be done with them: what is not listed is denied",
        "landlock(7)",
    ),
    "seccomp": Entry(
        "System calls: those that are denied fail, whoever makes them, root too", "seccomp(2)"
    ),
    "userns-lock": Entry(
        "New user namespaces: in one of its own anybody has all capabilities, and so reaches",
        "user_namespaces(7)",
        ("userns_lock", "disable-userns"),
    ),
}

ORDER = tuple(FENCES)
ALIASES = {alias: kind for kind, entry in FENCES.items() for alias in entry.aliases}
