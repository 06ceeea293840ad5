"""Docker's profile: what it does with 90 calls, by the kernel, as Docker's manual has it."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from shellplay.errors import UsageError
from shellplay.fences.base.seccomp_profile import Here, read
from shellplay.fences.seccomp import Seccomp
from shellplay.kernel.capabilities import NAMES, mask
from shellplay.kernel.seccomp import compiled
from tests.fences.deciding import ALLOWED, decision, number

NO, MISSING = errno.EPERM, errno.ENOSYS
DOCKER = 0xA80425FB
ADMIN = DOCKER | mask(["sys_admin"])
NEW_USER, NEW_NET, THREAD = 0x10000000, 0x40000000, 0x003D0F00

# Allowed to everybody.
ALWAYS = (
    *("accept4", "access", "bind", "cachestat", "capset", "chmod", "chown", "connect", "dup3"),
    *("copy_file_range", "epoll_pwait2", "execveat", "faccessat2", "fallocate", "fchmodat2"),
    *("flock", "getrandom", "inotify_init1", "io_setup", "kill", "landlock_create_ruleset"),
    *("link", "listen", "memfd_create", "mknod", "mlock", "name_to_handle_at", "openat2"),
    *(
        "pidfd_open",
        "prlimit64",
        "process_vm_readv",
        "process_vm_writev",
        "ptrace",
        "renameat2",
    ),
    *("sched_setaffinity", "semget", "sendmmsg", "setgroups", "setuid", "setxattr", "shmget"),
    *("splice", "statx", "symlinkat", "timerfd_create", "truncate", "unlinkat", "utimensat"),
    *("vmsplice", "arch_prctl", "modify_ldt", "chroot"),
)
# Allowed to nobody.
NEVER = (
    *("add_key", "keyctl", "request_key", "io_uring_setup", "io_uring_enter", "kexec_load"),
    *("io_uring_register", "kexec_file_load", "migrate_pages", "move_pages", "nfsservctl"),
    *("pivot_root", "swapoff", "swapon", "sysfs", "userfaultfd", "uselib", "ustat"),
)
# Allowed to who has the capability.
BY_CAPABILITY = {
    "sys_admin": (
        *("bpf", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie"),
        *("mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open", "quotactl"),
        *("quotactl_fd", "setdomainname", "sethostname", "setns", "syslog", "umount2"),
        "unshare",
    ),
    "dac_read_search": ("open_by_handle_at",),
    "sys_boot": ("reboot",),
    "sys_module": ("init_module", "finit_module", "delete_module"),
    "sys_pacct": ("acct",),
    "sys_ptrace": ("kcmp", "pidfd_getfd", "process_madvise"),
    "sys_rawio": ("iopl", "ioperm"),
    "sys_time": ("settimeofday", "clock_settime"),
    "sys_tty_config": ("vhangup",),
    "sys_nice": ("get_mempolicy", "mbind", "set_mempolicy"),
    "syslog": ("syslog",),
    "bpf": ("bpf",),
    "perfmon": ("perf_event_open",),
}
# Depends on an argument: the call, its first one, the result without and with CAP_SYS_ADMIN.
BY_ARGUMENT = [
    ("clone", THREAD, ALLOWED, ALLOWED),
    ("clone", NEW_USER, NO, ALLOWED),
    ("clone", NEW_NET | 17, NO, ALLOWED),
    ("clone3", 0, MISSING, ALLOWED),
    ("socket", 2, ALLOWED, ALLOWED),
    ("socket", 16, ALLOWED, ALLOWED),
    ("socket", 38, NO, NO),
    ("socket", 40, NO, NO),
    ("socket", 44, ALLOWED, ALLOWED),
    ("personality", 0, ALLOWED, ALLOWED),
    ("personality", 0x20008, ALLOWED, ALLOWED),
    ("personality", 0xFFFFFFFF, ALLOWED, ALLOWED),
    ("personality", 0x0040000, NO, NO),
]


def answer(fence: Seccomp, capabilities: int, call: int, argument: int = 0) -> int:
    """Return what a process behind a fence gets for a call, ALLOWED if that may be made."""
    return decision(compiled(fence.rules(capabilities)), call, argument)


def ruled(more: str) -> str:
    """Return a profile with one rule that has more to it."""
    return (
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": '
        f'[{{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", {more}}}]}}'
    )


@pytest.mark.parametrize("capabilities", [DOCKER, ADMIN], ids=["docker", "sys_admin"])
@pytest.mark.parametrize("name", ALWAYS)
def test_what_every_container_needs_is_allowed(name: str, capabilities: int) -> None:
    assert answer(Seccomp(), capabilities, number(name)) == ALLOWED


@pytest.mark.parametrize("capabilities", [DOCKER, ADMIN], ids=["docker", "sys_admin"])
@pytest.mark.parametrize("name", NEVER)
def test_what_no_container_gets_is_denied_whatever_it_may_do(
    name: str, capabilities: int
) -> None:
    assert answer(Seccomp(), capabilities, number(name)) == NO


@pytest.mark.parametrize(
    ("capability", "name"),
    [(capability, name) for capability, names in BY_CAPABILITY.items() for name in names],
)
def test_a_capability_opens_its_calls_and_no_other_does(capability: str, name: str) -> None:
    opening = [each for each, names in BY_CAPABILITY.items() if name in names]
    others = mask(each for each in NAMES if each not in opening)
    assert answer(Seccomp(), DOCKER, number(name)) == NO
    assert answer(Seccomp(), others, number(name)) == NO
    assert answer(Seccomp(), DOCKER | mask([capability]), number(name)) == ALLOWED


@pytest.mark.parametrize(("name", "argument", "docker", "admin"), BY_ARGUMENT)
def test_some_calls_are_allowed_by_their_argument(
    name: str, argument: int, docker: int, admin: int
) -> None:
    call = number(name)
    assert answer(Seccomp(), DOCKER, call, argument) == docker
    assert answer(Seccomp(), ADMIN, call, argument) == admin


def test_chroot_is_denied_without_its_capability() -> None:
    assert answer(Seccomp(), DOCKER & ~mask(["sys_chroot"]), number("chroot")) == NO


def test_a_call_that_is_newer_than_the_profile_does_not_exist() -> None:
    # Programs ask for it and take an old one instead: with EPERM they would give up.
    assert answer(Seccomp(), DOCKER, 1000) == MISSING
    assert answer(Seccomp(deny="mount"), DOCKER, 1000) == ALLOWED


@pytest.mark.parametrize(
    ("options", "mkdir", "mount", "keyctl", "clone3"),
    [
        ({"deny": "mkdir"}, NO, ALLOWED, ALLOWED, ALLOWED),
        ({"deny": "mkdir,clone3", "action": "ENOSYS"}, MISSING, ALLOWED, ALLOWED, MISSING),
        ({"preset": "docker", "deny": "mkdir"}, NO, NO, NO, MISSING),
        ({"allow": "mount,clone3"}, ALLOWED, ALLOWED, NO, ALLOWED),
        ({"deny": "mount", "allow": "mount,keyctl"}, ALLOWED, NO, ALLOWED, MISSING),
        ({"action": "ENOSYS"}, ALLOWED, MISSING, MISSING, MISSING),
    ],
)
def test_deny_and_allow_change_what_the_profile_says(
    options: dict[str, str], mkdir: int, mount: int, keyctl: int, clone3: int
) -> None:
    fence = Seccomp.parse(options)
    calls = [number(name) for name in ("mkdir", "mount", "keyctl", "clone3")]
    answers = [answer(fence, DOCKER, call) for call in calls]
    assert answers == [mkdir, mount, keyctl, clone3]


def test_a_file_of_dockers_format_is_a_profile(tmp_path: Path) -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": [
            {"name": "mkdir", "action": "SCMP_ACT_ERRNO", "args": []},
            {
                "names": ["keyctl"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": errno.EXDEV,
                "excludes": {"caps": ["CAP_SYS_ADMIN"]},
            },
            {"names": ["acct"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "99.0"}},
        ],
    }
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(profile))
    fence = Seccomp(profile=str(file))
    assert answer(fence, DOCKER, number("mkdir")) == NO
    assert answer(fence, DOCKER, number("keyctl")) == errno.EXDEV
    assert answer(fence, ADMIN, number("keyctl")) == ALLOWED
    assert answer(fence, DOCKER, number("acct")) == ALLOWED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not a seccomp profile"),
        ("[]", "is not a seccomp profile"),
        ("x" * 1_000_001, "it has more than 1000000 characters"),
        ("{}", "is not a seccomp profile as Docker has them: it lacks 'defaultAction'"),
        ('{"defaultAction": "SCMP_ACT_NOTHING"}', "SCMP_ACT_NOTHING is none of SCMP_ACT_ALLOW"),
        ('{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": -1}', "an errnoRet is -1"),
        ('{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}', "is 4096, and not"),
        ('{"defaultAction": "SCMP_ACT_LOG", "syscalls": [{"names": ["x"]}]}', "lacks 'action'"),
        ('{"defaultAction": "SCMP_ACT_LOG", "syscalls": {"a": 1}}', "of the wrong type"),
        (
            '{"defaultAction": "SCMP_ACT_LOG", "architectures": ["SCMP_ARCH_Z80"]}',
            "there is no processor SCMP_ARCH_Z80",
        ),
        (ruled('"args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]'), "an index is 6"),
        (ruled(f'"args": [{{"index": 0, "value": {2**64}, "op": "EQ"}}]'), "a value is"),
        (ruled('"args": [{"index": 0, "value": 0, "op": "LIKE"}]'), "no comparison LIKE"),
        (ruled('"includes": {"minKernel": "x.y"}'), "there is no kernel 'x.y'"),
    ],
)
def test_a_file_that_is_no_profile_is_refused_in_a_sentence(
    text: str, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "profile.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=reason):
        read(file, Here.with_capabilities(0))


def test_what_has_no_end_is_no_profile(tmp_path: Path) -> None:
    for path in (Path("/dev/zero"), tmp_path):
        with pytest.raises(UsageError, match="as Docker has them: it is not a file"):
            read(path, Here.with_capabilities(0))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not JSON"):
        read(binary, Here.with_capabilities(0))


def test_a_file_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match=r"/missing\.json cannot be read: No such file"):
        Seccomp(profile="/missing.json")
