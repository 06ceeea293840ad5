"""Files, mounts and /proc: an image and a program inside find no way to those of the host."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.kernel import mountinfo
from tests.image.making import busybox_root, drained
from tests.program.conftest import Run

pytestmark = pytest.mark.everyone
# Where something is mounted in a container: each is a link to what the attacker likes.
LINKED = ("proc", "sys", "dev", "dev/pts", "dev/shm", "dev/mqueue", "etc", "work", "run")
FILES = ("dev/null", "dev/console", "dev/ptmx", "etc/hosts", "etc/hostname", "etc/resolv.conf")
SECRET = ("/proc/kcore", "/proc/keys", "/proc/timer_list")
SETTINGS = ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/panic_on_oom")


def imported(root: Path, name: str) -> str:
    """Take a directory into the store as an image; return its name."""
    drained(import_image(Store(), root, name))
    return name


@pytest.mark.parametrize("place", [*LINKED, *FILES])
@pytest.mark.parametrize("up", ["", "/../../../../../../../.."])
def test_a_link_of_an_image_where_something_is_mounted_leads_nowhere_else(
    place: str, up: str, run: Run, tmp_path: Path
) -> None:
    """CVE-2025-31133, CVE-2025-52565, CVE-2024-45310, CVE-2021-30465, CVE-2019-19921."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("of the host")
    root = busybox_root(tmp_path / "evil")
    target = root / place
    target.parent.mkdir(exist_ok=True)
    if target.is_file():
        target.unlink()
    elif target.is_dir():
        for each in target.iterdir():
            each.unlink()
        target.rmdir()
    target.symlink_to(f"{up}{victim / 'file' if place in FILES else victim}")
    before = _below(tmp_path / "victim")
    said = run(
        f"run --rm -q --network none -v {tmp_path} -w /work {imported(root, 'evil')} sh -c :"
    )
    assert _below(victim) == before
    assert "of the host" not in said.printed
    assert not [each for each in mountinfo.mounts() or () if str(tmp_path) in each.point]


def _below(directory: Path) -> list[tuple[str, int, int]]:
    paths = sorted(directory.rglob("*"))
    return [(str(each), each.lstat().st_mode, each.lstat().st_size) for each in paths]


def test_a_volume_is_not_mounted_over_a_link_that_leads_out(run: Run, tmp_path: Path) -> None:
    """CVE-2021-30465: the place of a volume is resolved within the container's tree."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").touch()
    root = busybox_root(tmp_path / "evil")
    (root / "place").symlink_to("../../../../../../../../../../../etc")
    image = imported(root, "evil")
    before = _hosts_mounts()
    run(f"run --rm -q --network none -v {tmp_path / 'data'}:/place/sub {image} ls /place/sub")
    assert _hosts_mounts() == before
    assert not Path("/etc/sub").exists()


@pytest.mark.parametrize("to", ["/proc", "/proc/self/attr", "/"])
@pytest.mark.parametrize("options", ["-v vol:/p", "-v {}:/p", "--tmpfs /p"])
def test_no_volume_is_mounted_over_proc_by_a_link(
    to: str, options: str, run: Run, tmp_path: Path
) -> None:
    """CVE-2019-16884: a volume of the image would say what the kernel says of processes."""
    root = busybox_root(tmp_path / "evil")
    (root / "p").symlink_to(to)
    words = f"{options.format(root)} {imported(root, 'evil')} sh -c :"
    said = run(f"run --rm -q --network none {words}")
    assert said.status == 1
    assert "/p is a link in the image, to where nothing can be mounted" in said.told


@pytest.mark.parametrize("path", SECRET)
def test_what_is_masked_is_not_read(path: str, run: Run, busybox: str) -> None:
    line = f"umount {path}; cat {path} | head -c 1 | wc -c"
    said = run(f"run --rm -q --network none {busybox} sh -c '({line}) 2>/dev/null'")
    assert said.printed == "0\n"


@pytest.mark.parametrize("path", SETTINGS)
def test_settings_of_the_host_are_not_opened_to_write(
    path: str, run: Run, busybox: str
) -> None:
    """Nothing is written: where that is possible after all, it would be the host's."""
    line = f"umount {path}; (exec 3>>{path}) && echo opened; echo over"
    said = run(f"run --rm -q --network none {busybox} sh -c '({line}) 2>/dev/null'")
    assert said.printed == "over\n"


def test_mounts_inside_do_not_show_outside(container: Container, tmp_path: Path) -> None:
    """A mount that propagates to the host outlives the container."""
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["mnt"]())
    before = _hosts_mounts()
    container.run(f"mount -t tmpfs evil {tmp_path}; mount --make-rshared /")
    container.run(f"mount -t tmpfs evil {tmp_path}")
    assert _hosts_mounts() == before
    assert "evil" in container.run("cat /proc/self/mountinfo").output


def test_proc_leads_to_no_root_of_a_process_outside(container: Container) -> None:
    """/proc/PID/root of whoever is outside of the tree is a way around the tree."""
    for each in ("user", "pid", "mnt", "root", "proc"):
        container.fence(REGISTRY[each]())
    found = container.run("for each in /proc/[0-9]*; do readlink -f $each/root; done").output
    assert set(found.split()) == {"/"}
    assert len(found.split()) < 5


def test_cgroups_of_others_are_not_written_inside(run: Run, busybox: str) -> None:
    """CVE-2022-0492, CVE-2023-25809: release_agent, and limits of everybody else."""
    line = (
        "for f in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent "
        "/sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; "
        "do echo 1 >$f && echo written; done; mkdir /sys/fs/cgroup/evil && echo made"
    )
    said = run(f"run --rm -q --network none {busybox} sh -c '{line}'")
    assert "written" not in said.printed
    assert "made" not in said.printed


def test_a_set_user_id_program_inside_gives_nobody_privileges(container: Container) -> None:
    """With no_new_privs, and behind a user namespace, the bit stands for nobody outside."""
    container.fence(REGISTRY["nnp"]())
    line = "cd; cp /bin/bash evil && chmod 4755 evil && ./evil -p -c 'id -u'; rm evil"
    assert container.run(line).output == f"{os.geteuid()}\n"


def test_sockets_and_shared_memory_of_the_host_are_closed_inside(
    run: Run, busybox: str, tmp_path: Path
) -> None:
    """Abstract sockets go with net, /dev/shm with ipc and dev: Docker has both up."""
    import socket

    name = f"shellplay-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        said = run(
            f"run --rm -q --network none {busybox} sh -c 'cat /proc/net/unix; ls /dev/shm'"
        )
    assert name not in said.printed
    shared = Path("/dev/shm", name)
    with suppress(PermissionError):
        shared.touch()
    try:
        said = run(f"run --rm -q --network none {busybox} ls /dev/shm")
        assert name not in said.printed
    finally:
        shared.unlink(missing_ok=True)


def _hosts_mounts() -> list[str]:
    return [f"{each.point} {each.kind} {each.source}" for each in mountinfo.mounts() or ()]
