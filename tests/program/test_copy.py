"""cp: files go in and come out, and nothing inside can have us write elsewhere."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
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
    assert "f: left out, it is not a file" in told
    assert "1 file copied" in told


def test_links_inside_lead_nowhere_else(run: Run, web: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_text("of the host\n")
    run(f"exec ln -s {tmp_path} /tmp/inside/way")
    run(f"exec ln -s {secret} /tmp/inside/file")
    (tmp_path / "new").write_text("new\n")
    run(f"cp {tmp_path}/new web:/tmp/inside/way")
    written = run(f"cp {tmp_path}/new web:/tmp/inside/file").status == 0
    assert secret.read_text() == "of the host\n"
    assert secret.stat().st_size == len("of the host\n")
    inside = run("exec cat /tmp/inside/file").printed
    assert inside == ("new\n" if written else "of the host\n")


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


@pytest.mark.slow
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


# -- links, modes, owners and tars -----------------------------------------------------------


def test_a_link_at_the_target_is_followed(run: Run, web: str, tmp_path: Path) -> None:
    run("exec sh -c 'cd /tmp/inside; echo old >target; ln -s target rel'")
    for target, name in (("target", "abs"), ("none", "dangle")):
        run(f"exec ln -s /tmp/inside/{target} /tmp/inside/{name}")
    for number, name in enumerate(("abs", "rel", "dangle")):
        (tmp_path / "f").write_text(f"{number}\n")
        assert run(f"cp {tmp_path}/f web:/tmp/inside/{name}").status == 0
        place = "none" if name == "dangle" else "target"
        assert run(f"exec cat /tmp/inside/{place}").printed == f"{number}\n"
        assert run(f"exec readlink /tmp/inside/{name}").status == 0


def test_a_link_in_the_target_directory_is_followed_too(
    run: Run, web: str, tmp_path: Path
) -> None:
    run("exec sh -c 'cd /tmp/inside; echo old >target; ln -s target f'")
    (tmp_path / "f").write_text("new\n")
    assert run(f"cp {tmp_path}/f web:/tmp/inside").status == 0
    assert run("exec cat /tmp/inside/target").printed == "new\n"


def test_a_link_to_no_file_is_refused(run: Run, web: str, tmp_path: Path) -> None:
    run(
        "exec sh -c 'cd /tmp/inside; mkfifo fifo; ln -s fifo l; ln -s l2 l2; ln -s /dev/null n'"
    )
    (tmp_path / "f").write_text("new\n")
    for name in ("l", "l2", "n"):
        refused = run(f"cp {tmp_path}/f web:/tmp/inside/{name}")
        assert (refused.status, "mistake" in refused.told) == (1, False)


def test_a_slash_follows_a_link_to_a_directory(run: Run, web: str, tmp_path: Path) -> None:
    run("exec sh -c 'cd /tmp/inside; mkdir d; echo x >d/f; ln -s d lnk; ln -s d/f fl'")
    assert run(f"cp web:/tmp/inside/lnk {tmp_path}/as-link").status == 0
    assert (tmp_path / "as-link").is_symlink()
    assert run(f"cp web:/tmp/inside/lnk/ {tmp_path}/out").status == 0
    assert (tmp_path / "out" / "f").read_text() == "x\n"
    (tmp_path / "there").mkdir()
    assert run(f"cp web:/tmp/inside/lnk/ {tmp_path}/there").status == 0
    assert (tmp_path / "there" / "lnk" / "f").read_text() == "x\n"
    refused = run(f"cp web:/tmp/inside/fl/ {tmp_path}/no")
    assert (refused.status, "Not a directory" in refused.told) == (1, True)
    assert run(f"cp -L web:/tmp/inside/fl {tmp_path}/file").status == 0
    assert (tmp_path / "file").read_text() == "x\n"


@pytest.mark.parametrize("mode", [0o4751, 0o2755, 0o1600, 0o640])
def test_all_bits_of_the_mode_are_kept(run: Run, web: str, tmp_path: Path, mode: int) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "f").chmod(mode)
    assert run(f"cp {tmp_path}/f web:/tmp/inside/f").status == 0
    assert run("exec stat -c %a /tmp/inside/f").printed == f"{mode:o}\n"
    assert run(f"cp web:/tmp/inside/f {tmp_path}/back").status == 0
    assert (tmp_path / "back").stat().st_mode & 0o7777 == mode


@pytest.mark.root
def test_owners_are_kept_if_that_is_asked(run: Run, web: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    os.chown(tmp_path / "d" / "f", 1234, 5678)
    run(f"cp {tmp_path}/d web:/tmp/inside/plain")
    run(f"cp -a {tmp_path}/d web:/tmp/inside/kept")
    said = run("exec stat -c %u:%g /tmp/inside/plain/f /tmp/inside/kept/f")
    assert said.printed == "0:0\n1234:5678\n"


def test_a_tar_comes_out(run: Run, web: str) -> None:
    run("exec sh -c 'cd /tmp/inside; mkdir -p d/e; echo x >d/f; chmod 4751 d/f; ln -s f d/l'")
    with tarfile.open(fileobj=io.BytesIO(binary(run, "cp web:/tmp/inside/d -"))) as tar:
        found = {each.name: each for each in tar}
        content = tar.extractfile("d/f")
        assert content is not None
        assert content.read() == b"x\n"
    assert sorted(found) == ["d", "d/e", "d/f", "d/l"]
    assert (found["d/f"].mode, found["d/f"].uid, found["d/l"].linkname) == (0o4751, 0, "f")
    with tarfile.open(fileobj=io.BytesIO(binary(run, "cp web:/tmp/inside/d/f -"))) as tar:
        assert tar.getnames() == ["f"]
    with tarfile.open(fileobj=io.BytesIO(binary(run, "cp web:/tmp/inside/d/. -"))) as tar:
        assert "./f" in tar.getnames()


def binary(run: Run, line: str) -> bytes:
    """Run a line and return the bytes of its output."""
    done = run(line)
    assert (done.status, done.told) == (0, "")
    return done.printed.encode("latin-1")


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_tar_goes_in(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in (("a/b/f", b"x\n"), ("g", b"y\n")):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o750
            tar.addfile(entry, io.BytesIO(text))
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.SYMTYPE, "a/b/f"
        tar.addfile(link)
    lines = (
        "run -dq --network none --name web host sleep 1000; exec mkdir /tmp/to; "
        "cp - web:/tmp/to; exec sh -c 'cd /tmp/to; cat l g; stat -c %a g'; "
        "cp - web:/tmp/nowhere"
    )
    done = subprocess.run(
        [sys.executable, "-m", "shellplay", "-c", lines],
        input=compress(buffer.getvalue()), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert b"x\ny\n750\n" in done.stdout, done.stderr
    assert b"/tmp/nowhere inside: No such file" in done.stderr


def test_a_tar_leads_to_nothing_outside(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "secret").write_text("kept")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("way")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(link)
        entry = tarfile.TarInfo("way/secret")
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"new"))
    lines = "run -dq --network none --name web host sleep 1000; cp - web:/usr"
    subprocess.run(
        [sys.executable, "-m", "shellplay", "-c", lines],
        input=buffer.getvalue(), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (tmp_path / "secret").read_text() == "kept"
    assert not Path("/usr/way").exists()
