"""The proc, sys and dev fences: what of the kernel is seen, and what they rest on."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.fences.proc import MASKED
from shellplay.kernel import mountinfo, procfs
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.fences.conditions import in_front, interrupt, start_in_front
from tests.fences.host import digest

pytestmark = pytest.mark.everyone


def fence(container: Container, *kinds: str) -> None:
    """Put fences up that do not stand yet."""
    for kind in kinds:
        if kind not in [each.fence for each in container.fences() if each.up]:
            container.fence(REGISTRY[kind]())


def test_switches_of_the_kernel_cannot_be_turned_even_by_root(container: Container) -> None:
    fence(container, "proc")
    result = container.run(": >/proc/sys/kernel/hostname")
    assert "Read-only file system" in result.output
    names = " ".join(f"/proc/{name}" for name in MASKED)
    assert container.run(f"cat {names} 2>/dev/null; ls /proc/acpi 2>/dev/null").output == ""


def test_proc_shows_what_is_inside(container: Container) -> None:
    fence(container, "proc")
    assert container.run("echo /proc/[0-9]*").output == "/proc/1\n"


def test_sys_and_its_cgroups_cannot_be_written_to(container: Container) -> None:
    fence(container, "sys")
    result = container.run("mkdir /sys/fs/cgroup/made-inside; : >/sys/power/state")
    assert result.output.count("Read-only file system") >= 1
    assert result.status != 0
    mounts = [each for each in mountinfo.mounts(container.pid) or [] if each.point == "/sys"]
    assert "ro" in mounts[-1].options


def test_dev_works_for_programs_and_has_terminals_of_its_own(container: Container) -> None:
    fence(container, "dev")
    assert container.run("echo x >/dev/null; head -c 2 /dev/zero | wc -c").output == "2\n"
    before = container.run("ls -1 /dev/pts").output.split()
    assert before == (["0"] if container.parked else []) + ["ptmx"]
    assert container.run("echo hi >/dev/tty").output == "hi\n"
    name = container.run("script -qec 'tty' /dev/null").output.strip()
    assert name == f"/dev/pts/{len(before) - 1}"
    assert container.run("echo x >/dev/made; cat /dev/made").output == "x\n"


def test_the_terminal_of_bash_is_the_console(container: Container) -> None:
    fence(container, "dev")
    # A copy of bash has another name for it: that in its devpts.
    name = "/dev/pts/0" if container.parked else "/dev/console"
    assert container.run("tty; echo hi >/dev/console").output == f"{name}\nhi\n"


def test_a_bash_that_was_started_inside_has_its_console_too() -> None:
    with Playground(Settings(live=False)) as playground:
        container = playground.new("box")
        fence(container, "dev", "uts")
        assert container.run("tty").output == "/dev/console\n"


@pytest.mark.parametrize("kind", ["proc", "sys", "dev"])
def test_bash_is_as_it_was_when_it_has_mounted(container: Container, kind: str) -> None:
    fence(container, "mnt", "pid")
    container.run("umask 027; cd /tmp; half=kept")
    before = set(procfs.fds(container.pid)), procfs.arguments(container.pid)
    fence(container, kind)
    assert (set(procfs.fds(container.pid)), procfs.arguments(container.pid)) == before
    assert {*procfs.fds(container.pid).values()} == {container.terminal.path}
    assert container.run("umask; pwd; echo $half").output == "0027\n/tmp\nkept\n"
    container.peel(kind)
    assert set(procfs.fds(container.pid)) == before[0]


def test_a_bash_that_may_not_be_stopped_is_mounted_for(container: Container) -> None:
    fence(container, "mnt", "pid")
    container.settings.live = False
    fence(container, "sys")
    assert "Read-only" in container.run(": >/sys/power/state").output
    container.peel("sys")
    assert not [each for each in container.fences() if each.fence == "sys" and each.up]


def test_what_only_looks_like_a_device_is_not_bound(
    container: Container, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "fake").touch()
    fence(container, "mnt")
    container.files.mount(tmp_path / "fake", "/dev/zero")
    before = mountinfo.mounts(container.pid), procfs.fds()
    with pytest.raises(Refused, match=r"dev: .*/dev/zero.*ENODEV"):
        fence(container, "dev")
    assert (mountinfo.mounts(container.pid), procfs.fds()) == before


def test_one_that_fails_half_way_leaves_nothing_mounted(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence(container, "mnt", "pid")
    before = mountinfo.mounts(container.pid)
    monkeypatch.setattr("shellplay.fences.dev.LINKS", {"pts/no/such": "/"})
    with pytest.raises(Refused, match="dev: "):
        fence(container, "dev")
    assert mountinfo.mounts(container.pid) == before


def test_they_go_up_while_bash_is_busy(container: Container) -> None:
    fence(container, "mnt", "pid")
    start_in_front(container, "sleep 1000")
    fence(container, "dev", "proc")
    assert in_front(container, "sleep 1000")()
    interrupt(container)
    assert container.run("ls -1 /dev/pts").output == "ptmx\n"


@pytest.mark.parametrize(
    ("up", "below", "above"),
    [
        (("proc",), "pid", "proc"),
        (("proc",), "mnt", "proc"),
        (("root", "dev"), "root", "dev"),
        (("dev", "root"), "dev", "root"),
    ],
)
def test_what_rests_on_another_comes_off_first(
    up: tuple[str, ...], below: str, above: str, container: Container
) -> None:
    host = digest()["mounts"]
    fence(container, *up)
    with pytest.raises(Refused, match=rf"{above} stands? on {below} .*peel {above}, first"):
        container.peel(below)
    container.peel(above)
    container.peel(below)
    container.peel_all()
    assert digest()["mounts"] == host


@pytest.mark.parametrize("live", [True, False])
def test_of_the_users_that_the_mounts_belong_to_they_come_off_first(*, live: bool) -> None:
    with Playground(Settings(live=live)) as playground:
        container = playground.new("box")
        fence(container, "user", "proc")
        with pytest.raises(Refused, match=r"proc stands on user .*peel proc, first"):
            container.peel("user")
        assert container.run("test -e /proc/kmsg; echo $?").output == "0\n"
        container.peel_all()
        assert container.run("echo $$").output == f"{container.pid}\n"


def test_all_of_them_together_come_off_again(container: Container) -> None:
    host = digest()["mounts"]
    fence(container, "root", "proc", "sys", "dev", "caps")
    assert container.run("ls -1 /dev/pts; echo $$").output == "0\nptmx\n1\n"
    container.peel_all()
    assert [each.fence for each in container.fences() if each.up] == []
    assert digest()["mounts"] == host
