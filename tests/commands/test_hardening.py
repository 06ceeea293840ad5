"""doctor: which settings and files of the host weaken fences, each with its fix."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.commands import file_owners, hardening
from shellplay.commands.finding import Finding, When
from shellplay.kernel import mountinfo

MOUNTINFO = "24 1 0:22 / /sys/fs/cgroup rw - {} none rw"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A directory in the place of /, with no weak setting in it."""
    for name, text in {
        "proc/sys/dev/tty/legacy_tiocsti": "0",
        "proc/sys/kernel/yama/ptrace_scope": "1",
        "proc/sys/kernel/seccomp/actions_avail": "kill_process errno allow",
        "proc/self/mountinfo": MOUNTINFO.format("cgroup2"),
        "sys/module/apparmor/parameters/enabled": "Y",
        "proc/sys/user/max_user_namespaces": "0",
        "proc/sys/kernel/unprivileged_bpf_disabled": "2",
        "proc/sys/kernel/dmesg_restrict": "1",
        "proc/sys/vm/unprivileged_userfaultfd": "0",
        "proc/sys/fs/protected_symlinks": "1",
        "proc/sys/fs/protected_hardlinks": "1",
        "proc/sys/kernel/perf_event_paranoid": "2",
        "sys/devices/system/cpu/vulnerabilities/meltdown": "Mitigation: PTI",
    }.items():
        put(tmp_path, name, text)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    """Write a file below a root directory, as the kernel shows it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def by_name(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {each.name: each for each in findings}


def test_a_hardened_host_has_nothing_to_fix(host: Path) -> None:
    assert [each for each in hardening.findings(host) if each.fix] == []


@pytest.mark.parametrize(
    ("file", "text", "name", "fix", "when"),
    [
        ("proc/sys/dev/tty/legacy_tiocsti", "1", "terminal", "legacy_tiocsti=0", When.NOW),
        ("proc/sys/dev/tty/legacy_tiocsti", None, "terminal", "Linux 6.2", When.KERNEL),
        ("proc/sys/kernel/yama/ptrace_scope", "0", "ptrace", "ptrace_scope=1", When.NOW),
        ("proc/sys/kernel/yama/ptrace_scope", None, "ptrace", "yama in lsm=", When.BOOT),
        ("proc/sys/kernel/seccomp/actions_avail", None, "filters", "CONFIG_", When.KERNEL),
        ("proc/self/mountinfo", MOUNTINFO.format("cgroup"), "cgroups", "unified", When.BOOT),
        ("sys/module/apparmor/parameters/enabled", "N", "security modules", "lsm=", When.BOOT),
        ("sys/module/apparmor/parameters/enabled", None, "security modules", "lsm=", When.BOOT),
        ("proc/sys/user/max_user_namespaces", "9", "user namespaces", "userns-lock", When.NOW),
        ("proc/sys/kernel/unprivileged_bpf_disabled", "0", "bpf", "disabled=1", When.NOW),
        ("proc/sys/kernel/dmesg_restrict", "0", "kernel log", "restrict=1", When.NOW),
        ("proc/sys/vm/unprivileged_userfaultfd", "1", "page faults", "fd=0", When.NOW),
        ("proc/sys/fs/protected_symlinks", "0", "symbolic links", "links=1", When.NOW),
        ("proc/sys/fs/protected_hardlinks", "0", "hard links", "links=1", When.NOW),
        ("proc/sys/kernel/perf_event_paranoid", "1", "kernel addresses", "=2", When.NOW),
        ("proc/sys/vm/memfd_noexec", "2", "sealed copies", "noexec=1", When.NOW),
        (f"{hardening.FLAWS}/mds", "Vulnerable", "processor flaws", "mitigations=", When.BOOT),
        (f"{hardening.FLAWS}/x", "A: B; BHI: Vulnerable", "processor flaws", "", When.BOOT),
    ],
)  # fmt: skip
def test_each_weak_setting_has_its_fix_and_says_when_it_can_be_had(
    file: str, text: str | None, name: str, fix: str, when: When, host: Path
) -> None:
    if text is None:
        (host / file).unlink()
    else:
        put(host, file, text)
    [found] = [each for each in hardening.findings(host) if each.fix]
    assert (found.name, found.when) == (name, when)
    assert fix in found.fix


def test_a_kernel_without_a_parameter_is_not_called_weak(host: Path) -> None:
    (host / "proc/sys/kernel/unprivileged_bpf_disabled").unlink()
    found = by_name(hardening.findings(host))["bpf"]
    assert (found.fix, "no kernel.unprivileged_bpf_disabled here" in found.fact) == ("", True)


def test_selinux_counts_as_a_security_module_if_it_enforces(host: Path) -> None:
    put(host, "sys/module/apparmor/parameters/enabled", "N")
    for mode, fix in (("1", ""), ("0", "setenforce 1, as root")):
        put(host, "sys/fs/selinux/enforce", mode)
        assert by_name(hardening.findings(host))["security modules"].fix == fix


def test_an_open_ring_is_told_and_is_no_weakness(host: Path) -> None:
    for value, said in (("0", "is open"), ("1", "one group"), ("2", "nobody")):
        put(host, "proc/sys/kernel/io_uring_disabled", value)
        found = by_name(hardening.findings(host))["io_uring"]
        assert (said in found.fact, found.fix) == (True, "")


@pytest.mark.everyone
def test_the_values_are_those_of_this_machine() -> None:
    found = by_name(hardening.findings())
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    assert bool(found["ptrace"].fix) == (not scope.exists() or scope.read_text() == "0\n")
    tiocsti = Path("/proc/sys/dev/tty/legacy_tiocsti")
    assert bool(found["terminal"].fix) == (not tiocsti.exists() or tiocsti.read_text() != "0\n")
    kinds = {mount.kind for mount in mountinfo.mounts() or ()}
    assert bool(found["cgroups"].fix) == ("cgroup" in kinds)


# -- files --------------------------------------------------------------------------------


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A directory below which nobody else can change anything."""
    for found in file_owners.writers(tmp_path, os.geteuid()):
        if found.who != file_owners.YOU:
            pytest.skip(f"{found.who} can change {found.path}")
    path = tmp_path / "python"
    path.write_text("")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("mode", "who"), [(0o757, "everybody can change"), (0o775, "group 4243 can change")]
)
@pytest.mark.root
def test_a_program_that_others_can_change_is_named(mode: int, who: str, ours: Path) -> None:
    os.chown(ours, 0, 4243)
    ours.chmod(mode)
    found = file_owners.of_programs([ours], 0)
    assert found.fact.startswith(f"{who} {ours}")
    assert found.fix.endswith(f"-w {ours}")


@pytest.mark.root
def test_a_directory_above_a_program_counts_as_the_program(ours: Path) -> None:
    os.chown(ours.parent, 4243, 4243)  # of whom no machine of ours knows a name
    found = file_owners.of_programs([ours], 0)
    assert found.fact.startswith(f"user 4243 can change {ours.parent}")


@pytest.mark.root
def test_the_python_of_an_ordinary_user_is_theirs_to_change(ours: Path) -> None:
    os.chown(ours, 4242, 4242)
    assert file_owners.of_programs([ours], 4242).fact.startswith(f"{ours} is yours")
    os.chown(ours, 0, 0)
    assert file_owners.of_programs([ours], 4242).fix == ""


@pytest.mark.root
def test_in_a_sticky_directory_others_cannot_replace_a_program(ours: Path) -> None:
    ours.parent.chmod(0o1777)
    assert file_owners.of_programs([ours], 0).fix == ""
    ours.parent.chmod(0o777)
    assert file_owners.of_programs([ours], 0).fact.startswith("everybody can change")


def test_a_store_that_others_can_read_is_named(ours: Path) -> None:
    store = ours.parent / "images"
    store.mkdir(mode=0o700)
    assert file_owners.of_directories([store], os.geteuid()).fix == ""
    store.chmod(0o750)
    found = file_owners.of_directories([store], os.geteuid())
    assert (found.fact, found.fix) == (f"others can read {store}", f"chmod go= {store}")


@pytest.mark.userns
def test_a_socket_of_docker_that_a_user_may_write_to_makes_them_root(tmp_path: Path) -> None:
    socket = tmp_path / "docker.sock"
    assert file_owners.of_docker(socket).fix == ""
    socket.write_text("")
    assert "gets root by it" in file_owners.of_docker(socket).fact
    socket.chmod(0o400)
    assert file_owners.of_docker(socket).fix == ""
