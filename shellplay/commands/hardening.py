"""The checks of doctor for the hardening of the host: the settings that weaken fences.

All fences share one kernel.  Its settings decide how much of the kernel a program inside can
try.  Each check reads files below a directory that stands for /.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shellplay.commands.finding import Finding, When, sysctl_fix
from shellplay.errors import Refused
from shellplay.kernel import seccomp
from shellplay.kernel.explain import APPARMOR, USERNS_CLONE, YAMA
from shellplay.kernel.mountinfo import parse_mountinfo

TIOCSTI = "dev.tty.legacy_tiocsti"
FILTERS = "proc/sys/kernel/seccomp/actions_avail"
MEMFD = "vm.memfd_noexec"
RING = "kernel.io_uring_disabled"
KPTR, PERF = "kernel.kptr_restrict", "kernel.perf_event_paranoid"
FLAWS = "sys/devices/system/cpu/vulnerabilities"
USERNS_LOCK = "fence userns-lock, around programs that you do not trust"


class Setting(NamedTuple):
    """A kernel parameter that weakens fences if its value is in ``weak``.

    ``opens`` is what a program inside can do then, and ``closed`` the fact otherwise.  A kernel
    without the parameter is like one with a value that is not weak.
    """

    name: str
    parameter: str
    weak: frozenset[int]
    opens: str
    closed: str
    safe: str
    fence: str = ""


SETTINGS = (
    Setting(
        "bpf", "kernel.unprivileged_bpf_disabled", frozenset({0}),
        "every program can load BPF programs into the kernel",
        "only privileged programs can load BPF programs", "1", "seccomp docker",
    ),
    Setting(
        "page faults", "vm.unprivileged_userfaultfd", frozenset({1}),
        "every program can stop the kernel at a page fault, which helps attacks on it",
        "only privileged programs can handle page faults of the kernel", "0", "seccomp docker",
    ),
    Setting(
        "kernel log", "kernel.dmesg_restrict", frozenset({0}),
        "every program can read the log of the kernel",
        "only privileged programs can read the log of the kernel", "1", "seccomp docker dev",
    ),
    Setting(
        "symbolic links", "fs.protected_symlinks", frozenset({0}),
        "a link from inside, in a shared /tmp, can mislead programs of the host",
        "links of other users in /tmp mislead no program", "1", "root",
    ),
    Setting(
        "hard links", "fs.protected_hardlinks", frozenset({0}),
        "a program can make hard links to files of other users",
        "nobody can make hard links to files of other users", "1", "root",
    ),
)  # fmt: skip


def findings(root: Path = Path("/")) -> Iterator[Finding]:
    """Yield the result of each check; ``root`` has proc/ and sys/ of the machine."""
    yield _terminal(root)
    yield _ptrace(root)
    yield _seccomp(root)
    yield _cgroups(root)
    yield _modules(root)
    yield _user_namespaces(root)
    yield from (_setting(root, each) for each in SETTINGS)
    yield _addresses(root)
    yield _ring(root)
    yield _programs_in_memory(root)
    yield _processor(root)


def _terminal(root: Path) -> Finding:
    opens = "a program can type commands into its terminal (TIOCSTI)"
    match _sysctl(root, TIOCSTI):
        case None:
            fix = f"Linux 6.2 or newer, which has {TIOCSTI}"
            return Finding(
                "terminal", f"{opens}; this kernel cannot forbid it", fix, When.KERNEL
            )
        case 0:
            return Finding("terminal", f"TIOCSTI takes CAP_SYS_ADMIN; {TIOCSTI} is 0")
        case value:
            fact = f"{opens}; {TIOCSTI} is {value}"
            return Finding("terminal", fact, sysctl_fix(TIOCSTI, "0"))


def _ptrace(root: Path) -> Finding:
    opens = "a program can trace every process of its user that it sees"
    match _sysctl(root, YAMA):
        case None:
            fix = "a kernel with Yama, and yama in lsm= of its command line; or fence pid"
            return Finding("ptrace", f"{opens}; Yama is not on", fix, When.BOOT)
        case 0:
            fix = f"{sysctl_fix(YAMA, '1')}; or fence pid"
            return Finding("ptrace", f"{opens}; {YAMA} is 0", fix)
        case value:
            return Finding(
                "ptrace", f"a program cannot trace its neighbours; {YAMA} is {value}"
            )


def _seccomp(root: Path) -> Finding:
    if not (root / FILTERS).exists():
        fix = "a kernel with CONFIG_SECCOMP_FILTER"
        return Finding("filters", "this kernel cannot filter system calls", fix, When.KERNEL)
    try:
        seccomp.knows_call("read")
    except Refused as error:
        return Finding("filters", f"no filter can be made: {error.message}", error.fix or "")
    return Finding("filters", "system calls can be filtered")


def _cgroups(root: Path) -> Finding:
    mounts = parse_mountinfo((root / "proc/self/mountinfo").read_bytes())
    if any(each.kind == "cgroup" for each in mounts):
        fact = "version 1 is in use, which cannot be given to a user safely"
        fix = "systemd.unified_cgroup_hierarchy=1 on the command line of the kernel"
        return Finding("cgroups", fact, fix, When.BOOT)
    return Finding("cgroups", "only version 2, which can be given to a user safely")


def _modules(root: Path) -> Finding:
    """Look for AppArmor and SELinux: security modules that catch what a fence lets through."""
    if _text(root / "sys/module/apparmor/parameters/enabled") == "Y":
        return Finding(
            "security modules", "AppArmor is on; shellplay sets no profile of its own"
        )
    match _text(root / "sys/fs/selinux/enforce"):
        case "1":
            return Finding(
                "security modules", "SELinux enforces; shellplay sets no label itself"
            )
        case "0":
            fact = "SELinux only logs; nothing catches what a fence lets through"
            return Finding("security modules", fact, "setenforce 1, as root")
    fact = "neither AppArmor nor SELinux is on; nothing catches what a fence lets through"
    fix = "a kernel with one of them, and its name in lsm= of its command line"
    return Finding("security modules", fact, fix, When.BOOT)


def _user_namespaces(root: Path) -> Finding:
    """Say whether a program inside gets all capabilities in a user namespace of its own."""
    for name, closed in (("user.max_user_namespaces", 0), (USERNS_CLONE, 0), (APPARMOR, 1)):
        if _sysctl(root, name) == closed:
            fact = f"a program without privileges gets none by one; {name} is {closed}"
            return Finding("user namespaces", fact)
    fact = "every program can make one, and there try parts of the kernel that are for root"
    return Finding("user namespaces", fact, USERNS_LOCK)


def _setting(root: Path, setting: Setting) -> Finding:
    value = _sysctl(root, setting.parameter)
    if value is None:
        return Finding(setting.name, f"{setting.closed}; no {setting.parameter} here")
    if value not in setting.weak:
        return Finding(setting.name, f"{setting.closed}; {setting.parameter} is {value}")
    fix = sysctl_fix(setting.parameter, setting.safe)
    fact = f"{setting.opens}; {setting.parameter} is {value}"
    return Finding(setting.name, fact, f"{fix}; or fence {setting.fence}")


def _addresses(root: Path) -> Finding:
    pointers, profiling = _sysctl(root, KPTR), _sysctl(root, PERF)
    values = f"{KPTR} is {pointers}, {PERF} is {profiling}"
    # The kernel counts 0 as 1 here, unless every user may profile it (kernel/ksyms_common.c).
    if profiling is not None and profiling < 2:
        fact = f"every program can profile the kernel and learn its addresses; {values}"
        fix = f"{sysctl_fix(PERF, '2')}; or fence seccomp docker"
        return Finding("kernel addresses", fact, fix)
    return Finding("kernel addresses", f"only privileged programs learn them; {values}")


def _ring(root: Path) -> Finding:
    # No weakness: each filter of shellplay that denies a call denies the ring as well.
    match _sysctl(root, RING):
        case None | 0:
            fact = "io_uring is open; fence seccomp closes it, unless allow= names it"
        case 1:
            fact = f"io_uring is for one group only; {RING} is 1"
        case value:
            fact = f"nobody can use io_uring; {RING} is {value}"
    return Finding("io_uring", fact)


def _programs_in_memory(root: Path) -> Finding:
    if _sysctl(root, MEMFD) == 2:
        fact = (
            f"no program runs from memory, so shellplay cannot run sealed copies; {MEMFD} is 2"
        )
        return Finding("sealed copies", fact, sysctl_fix(MEMFD, "1"))
    return Finding("sealed copies", "shellplay can run sealed copies of the host's programs")


def _processor(root: Path) -> Finding:
    """Look for flaws of the processor that let a program read the memory of others."""
    flaws = sorted(
        path.name for path in (root / FLAWS).glob("*") if "Vulnerable" in (_text(path) or "")
    )
    if flaws:
        fact = f"a program may read foreign memory by flaws of the processor: {' '.join(flaws)}"
        fix = "a newer kernel and microcode, and mitigations=auto on its command line"
        return Finding("processor flaws", fact, fix, When.BOOT)
    return Finding("processor flaws", "the kernel knows none that it does not mitigate")


def _sysctl(root: Path, name: str) -> int | None:
    """Return a kernel parameter; None if this kernel does not have it, or hides it from us."""
    text = _text(root / "proc/sys" / name.replace(".", "/"))
    return int(text) if text else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return None
