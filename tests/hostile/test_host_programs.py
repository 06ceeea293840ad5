"""Programs of the host that are executed here cannot be changed from inside (CVE-2019-5736)."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from shellplay.fences import REGISTRY
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.kernel import mountinfo, procfs
from shellplay.playground.playground import Playground
from tests.hostile.attacks import Interpreters, changer, script
from tests.image.making import busybox_root, drained
from tests.program.conftest import Run

pytestmark = pytest.mark.everyone
CHANGE = """
import os
exe = "/proc/self/exe"
for change in (
    lambda: os.chmod(exe, 0o4755), lambda: os.chown(exe, 1, 1), lambda: os.utime(exe, (1, 1)),
    lambda: os.setxattr(exe, "user.evil", b"1"), lambda: os.open(exe, os.O_WRONLY),
):
    try:
        change()
    except OSError:
        pass
print("tried")
"""
NAMES = ("python", "bash", "memfd:python", "memfd:bash")
# Bash stays itself, and does not become the chmod of the host, by the command after it.
CHANGE_BASH = "chmod 4755 /proc/$$/exe; echo tried"


@pytest.fixture
def playground(attacked: Playground) -> Playground:
    """A playground that runs on copies of the interpreters."""
    return attacked


def test_an_image_whose_entry_is_the_interpreter_that_starts_it(
    run: Run, interpreters: Interpreters, tmp_path: Path
) -> None:
    root = busybox_root(tmp_path / "evil")
    for name in ("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"):
        (root / "lib64").mkdir(exist_ok=True)
        (root / "lib64" / name).write_bytes(changer())
        (root / "lib64" / name).chmod(0o755)
    script(root / "e", "", interpreter="/proc/self/exe")
    drained(import_image(Store(), root, "evil"))
    run("run --rm -q --network none evil /e")
    assert interpreters.changed() == []


@pytest.mark.parametrize("way", ["run host", "exec"])
def test_a_script_whose_interpreter_is_the_process_that_starts_it(
    way: str, run: Run, interpreters: Interpreters, tmp_path: Path
) -> None:
    evil = script(tmp_path / "evil", CHANGE, interpreter="/proc/self/exe")
    if way == "exec":
        run("new w")
        said = run(f"exec -c w {evil}")
    else:
        said = run(f"run --rm -q --network none host {evil}")
    assert "tried" in said.printed
    assert interpreters.changed() == []


@pytest.mark.parametrize("kinds", [("pid", "mnt", "nnp"), ("user", "mnt"), ("root", "pid")])
def test_a_live_bash_that_is_changed_by_its_own_program(
    kinds: tuple[str, ...], attacked: Playground, interpreters: Interpreters
) -> None:
    box = attacked.new("w")
    for kind in kinds:
        box.fence(REGISTRY[kind]())
    assert {each.how for each in box.fences() if each.up} <= {"in-place", "forked"}
    assert box.run(CHANGE_BASH).output.endswith("tried\n")
    assert interpreters.changed() == []


def test_a_bash_that_was_started_anew(attacked: Playground, interpreters: Interpreters) -> None:
    box = attacked.new("w")
    box.settings.live = False
    for kind in ("mnt", "pid"):
        box.fence(REGISTRY[kind]())
    assert box.run(CHANGE_BASH).output.endswith("tried\n")
    assert interpreters.changed() == []


def test_an_init_that_is_changed_by_its_child(run: Run, interpreters: Interpreters) -> None:
    run("run --rm -q --init --network none host chmod 4755 /proc/1/exe")
    assert interpreters.changed() == []


def test_no_process_of_a_playground_leads_to_a_file_that_can_be_changed(
    attacked: Playground, interpreters: Interpreters
) -> None:
    box = attacked.new("w")
    for kind in ("net", "pid", "nnp"):
        box.fence(REGISTRY[kind]())
    box.network.publish("80")
    proxies = [each.process.pid for each in box.network._published]
    assert len(box.parked_pids) + len(proxies) >= 2
    for pid in (attacked.playground_pid, box.pid, *box.parked_pids, *proxies):
        # A proxy is not to be looked at from inside, and as a user it is not from here.
        with suppress(OSError):
            exe = f"/proc/{pid}/exe"
            assert Path(exe).readlink().name.split()[0] in NAMES
            os.chmod(exe, 0o4755)  # noqa: PTH101 - the link itself has a mode, too
    assert interpreters.changed() == []


def test_no_descriptor_of_ours_and_no_directory_leads_to_another_mount(
    run: Run, attacked: Playground, tmp_path: Path
) -> None:
    """CVE-2024-21626: what is open on a copy of a mount leads out of every root."""
    box = attacked.new("w")
    box.fence(REGISTRY["mnt"]())
    run("run -dq --name a --init --network none host sleep 1000")
    for pid in (box.pid, *box.parked_pids, attacked.find("a").pid):
        assert detached(pid) == []
    box.settings.live = False
    box.fence(REGISTRY["uts"]())
    assert detached(box.pid) == []
    shown = run("exec -c w sh -c 'ls -l /proc/self/fd'").printed
    assert not re.search("memfd|bash|python", shown)
    assert shown.count(" -> ") <= 4


def detached(pid: int) -> list[str]:
    """Return the files and directories of a process that are on no mount that it sees."""
    known = {each.id for each in mountinfo.mounts(pid) or ()}
    found = []
    for name in ("cwd", "root", *(f"fd/{fd}" for fd in procfs.fds(pid))):
        path = f"/proc/{pid}/{name}"
        fd = os.open(path, os.O_PATH)
        about, mount = os.fstat(fd), mountinfo.mount_of(fd)
        os.close(fd)
        is_file = stat.S_ISDIR(about.st_mode) or stat.S_ISREG(about.st_mode)
        if is_file and mount not in known:
            found.append(f"{name} -> {Path(path).readlink()}")
    return found


def test_a_library_of_the_host_cannot_be_changed_either(
    attacked: Playground,
    interpreters: Interpreters,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To follow a link of map_files takes a capability that Docker does not leave."""
    found = library_of(interpreters.bash)
    library = tmp_path / found.name
    shutil.copy(found, library)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    box = attacked.new("w")
    for kind in ("mnt", "pid", "caps"):
        box.fence(REGISTRY[kind]())
    maps = Path(f"/proc/{box.pid}/maps").read_text().splitlines()
    places = [each.split()[0] for each in maps if each.endswith(str(library))]
    assert places
    before = library.stat()
    said = box.run(f"ls /proc/$$/map_files; chmod 4755 /proc/$$/map_files/{places[0]}")
    assert "Operation not permitted" in said.output
    assert library.stat() == before


def library_of(bash: Path) -> Path:
    """Return the path of a library that a bash loads, other than that of C."""
    words = [str(bash), "-c", "cat /proc/$$/maps; exit"]
    maps = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    if found := re.search(r"/\S+/lib(?!c[.-])\S+\.so\S*$", maps, re.MULTILINE):
        return Path(found[0])
    pytest.skip("this bash loads no library but that of C")
