"""cp: files go in and come out, and nothing inside can have us write elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shellplay.playground.playground import Playground
from tests.program.conftest import Run

pytestmark = pytest.mark.everyone


@pytest.fixture
def web(run: Run, playground: Playground) -> str:
    """A container in which nothing but a sleep runs; its name."""
    run("run -dq --network none --name web host sleep 1000")
    run("exec mkdir /tmp/inside")
    return "web"


def test_a_file_goes_in_and_comes_out_as_it_was(run: Run, web: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("of the host\n")
    (tmp_path / "file").chmod(0o750)
    assert run(f"cp {tmp_path}/file web:/tmp/inside").status == 0
    assert run("exec stat -c '%a %u' /tmp/inside/file").printed == "750 0\n"
    assert run(f"cp web:/tmp/inside/file {tmp_path}/other").status == 0
    assert (tmp_path / "other").read_text() == "of the host\n"
    assert not Path("/tmp/inside").exists()


def test_a_directory_comes_with_all_that_is_in_it(run: Run, web: str, tmp_path: Path) -> None:
    run("exec sh -c 'cd /tmp/inside; mkdir a; echo x >a/x; ln -s /etc/passwd a/l; mkfifo a/f'")
    told = run(f"cp web:/tmp/inside/a {tmp_path}").told
    assert (tmp_path / "a" / "x").read_text() == "x\n"
    assert str((tmp_path / "a" / "l").readlink()) == "/etc/passwd"
    assert "f: left out, it is no file" in told
    assert "1 file copied" in told


def test_links_inside_lead_nowhere_else(run: Run, web: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_text("of the host\n")
    run(f"exec ln -s {tmp_path} /tmp/inside/way")
    run(f"exec ln -s {secret} /tmp/inside/file")
    (tmp_path / "new").write_text("new\n")
    run(f"cp {tmp_path}/new web:/tmp/inside/way")
    run(f"cp {tmp_path}/new web:/tmp/inside/file")
    assert secret.read_text() == "of the host\n"
    assert secret.stat().st_size == len("of the host\n")
    assert run("exec cat /tmp/inside/file").printed == "new\n"


@pytest.mark.parametrize("named", ["a/.", "a/b/.."])
@pytest.mark.parametrize("there", [True, False])
def test_a_directory_without_a_name_of_its_own_is_what_is_in_it(
    run: Run, web: str, tmp_path: Path, named: str, *, there: bool
) -> None:
    run("exec sh -c 'mkdir -p /tmp/inside/a/b; echo x >/tmp/inside/a/x'")
    target = tmp_path / "around" / "target"
    (target if there else target.parent).mkdir(parents=True)
    assert run(f"cp web:/tmp/inside/{named} {target}").status == 0
    assert (target / "x").read_text() == "x\n"
    assert [each.name for each in target.parent.iterdir()] == ["target"]
    assert not (target / "a").exists()


def test_directories_without_end_are_one_sentence(run: Run, web: str, tmp_path: Path) -> None:
    deep = "i=0; while [ $i -lt 1500 ]; do mkdir d; cd d; i=$((i+1)); done"
    run(f"exec sh -c 'cd /tmp/inside; {deep}'")
    said = run(f"cp web:/tmp/inside/d {tmp_path}/deep")
    assert said.status == 1
    assert "mistake" not in said.told
    found = tmp_path / "deep"
    # It is too deep for whoever removes it by its path.
    subprocess.run(["rm", "-rf", str(found)], check=True)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("cp /etc/passwd /tmp", "neither end is in a container"),
        ("cp web:/nowhere /tmp", "/nowhere inside: No such file"),
        ("cp /nowhere web:/tmp", "/nowhere here: No such file"),
        ("cp /etc/passwd web:/nowhere/x", "/nowhere inside: No such file"),
        ("cp web: /tmp", "names no path"),
        ("cp /etc/passwd web:/tmp/nowhere/", "/tmp/nowhere inside: there is no such directory"),
        ("cp nobody:/x /tmp", "there is no container 'nobody'"),
    ],
)
def test_what_cannot_be_copied_is_one_sentence(
    run: Run, web: str, line: str, sentence: str
) -> None:
    said = run(line)
    assert said.status != 0
    assert sentence in said.told
