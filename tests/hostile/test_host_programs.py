"""Programs of the host that are executed here cannot be changed from inside (CVE-2019-5736)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shellplay.fences import REGISTRY
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.playground.playground import Playground
from tests.hostile.attacks import Interpreters, changer, hole, line, script
from tests.image.making import busybox_root, drained
from tests.program.conftest import Run

pytestmark = pytest.mark.everyone
SAME_FILE = "/proc/self/exe is the host's own file, on a mount that can be written"
CHANGE = 'import os\nos.chmod("/proc/self/exe", 0o4755)\nprint("changed")\n'


@pytest.fixture
def playground(attacked: Playground) -> Playground:
    """A playground that runs on copies of the interpreters."""
    return attacked


@hole(SAME_FILE)
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


@hole(SAME_FILE)
@pytest.mark.parametrize("way", ["run host", "exec"])
def test_a_script_whose_interpreter_is_the_process_that_starts_it(
    way: str, run: Run, interpreters: Interpreters, tmp_path: Path
) -> None:
    evil = script(tmp_path / "evil", CHANGE, interpreter="/proc/self/exe")
    if way == "exec":
        run("new w")
        run(f"exec -c w {evil}")
    else:
        run(f"run --rm -q --network none host {evil}")
    assert interpreters.changed() == []


@hole(SAME_FILE)
def test_a_live_bash_that_is_changed_by_its_own_program(
    attacked: Playground, interpreters: Interpreters
) -> None:
    box = attacked.new("w")
    for kind in ("pid", "mnt", "nnp"):
        box.fence(REGISTRY[kind]())
    box.run("chmod 4755 /proc/$$/exe")
    assert interpreters.changed() == []


@hole(SAME_FILE, when=os.geteuid() != 0)
def test_an_init_that_is_changed_by_its_child(run: Run, interpreters: Interpreters) -> None:
    run("run --rm -q --init --network none host chmod 4755 /proc/1/exe")
    assert interpreters.changed() == []


@hole(SAME_FILE)
def test_nor_can_its_attributes_be_changed(
    run: Run, interpreters: Interpreters, tmp_path: Path
) -> None:
    change = 'import os\nos.setxattr("/proc/self/exe", "user.evil", b"1")\n'
    evil = script(tmp_path / "evil", change, interpreter="/proc/self/exe")
    run("new w")
    run(f"exec -c w {evil}")
    assert interpreters.changed() == []


def test_what_runs_here_cannot_be_written_to(
    run: Run, interpreters: Interpreters, tmp_path: Path
) -> None:
    write = 'import os\nos.open("/proc/self/exe", os.O_WRONLY)\n'
    evil = script(tmp_path / "evil", write, interpreter="/proc/self/exe")
    before = interpreters.python.read_bytes()
    run("new w")
    run(f"exec -c w {evil}")
    run(line("in", "echo evil > /proc/$$/exe"))
    assert interpreters.python.read_bytes() == before
