"""A program of the host is executed in a way that keeps its file as it is."""

from __future__ import annotations

import fcntl
import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from shellplay.kernel import interpreter
from shellplay.kernel.host_program import SEALS, opened

ROOT = Path(__file__).parents[2]
# Prints how a program was opened, or why it was not.
LOOK = """
import os, sys
sys.path.insert(0, sys.argv[1])
from shellplay.errors import Refused
from shellplay.kernel.host_program import opened
try:
    with opened(sys.argv[2]) as program:
        link = "none" if program.fd is None else os.readlink(program.executable)
        print(link, program.moved, program.finds_its_libraries(), flush=True)
        if program.fd is not None:
            os.set_inheritable(program.fd, True)
            os.execve(program.fd, [program.path, "-c", sys.argv[3]], os.environ)
except Refused as error:
    print(f"refused: {error.message}: {error.fix}")
"""
# By a command after it, bash stays itself: otherwise it would become the chmod of the host.
CHANGE = "chmod 4755 /proc/$$/exe; exit"
CHANGES: dict[str, Callable[[str], object]] = {
    "chmod": lambda path: Path(path).chmod(0o4755),
    "chown": lambda path: os.chown(path, os.geteuid(), os.getegid()),
    "utimensat": lambda path: os.utime(path, (1, 1)),
    "setxattr": lambda path: os.setxattr(path, "user.evil", b"1"),
    "truncate": lambda path: os.truncate(path, 0),
    "write": lambda path: Path(path).write_bytes(b"evil"),
}


@pytest.fixture
def bash(tmp_path: Path) -> Path:
    """A copy of bash that is ours."""
    copy = tmp_path / "bash"
    shutil.copy(shutil.which("bash") or "/bin/bash", copy)
    copy.chmod(0o755)
    return copy


def facts(path: Path) -> tuple[object, ...]:
    """Return what could be changed of a file; the time of the change tells of all of it."""
    found = path.stat()
    return found.st_mode, found.st_uid, found.st_ctime_ns, found.st_mtime_ns


@pytest.mark.everyone
@pytest.mark.parametrize("change", CHANGES)
def test_nobody_who_reaches_the_program_can_change_its_file(change: str, bash: Path) -> None:
    before = facts(bash)
    with opened(str(bash)) as program:
        assert program.fd is not None
        # A sealed copy lets its owner change its mode, and the file is not affected.
        with suppress(OSError):
            CHANGES[change](program.executable)
    assert facts(bash) == before


@pytest.mark.everyone
def test_it_runs_and_is_closed_in_the_program(bash: Path, tmp_path: Path) -> None:
    output, words = tmp_path / "output", [str(bash), "-c", "echo $0; ls -l /proc/$$/fd"]
    opening = (os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT, 0o600)
    with opened(str(bash)) as program:
        pid = os.posix_spawn(program.executable, words, os.environ, file_actions=[opening])
    assert os.waitpid(pid, 0)[1] == 0
    name, *descriptors = output.read_text().splitlines()
    assert name == str(bash)
    assert "bash" not in " ".join(descriptors)


@pytest.mark.root
def test_root_sees_the_path_of_the_file_in_its_mount(bash: Path) -> None:
    place = next(each for each in bash.resolve().parents if each.is_mount())
    with opened(str(bash)) as program:
        seen = Path(program.executable).readlink()
        assert seen == Path("/") / bash.resolve().relative_to(place)
        assert os.fstatvfs(program.fd or -1).f_flag & os.ST_RDONLY
        assert program.moved is (place != Path("/"))


@pytest.mark.userns
def test_what_a_user_could_change_is_copied_and_sealed(bash: Path) -> None:
    with opened(str(bash)) as program:
        assert str(Path(program.executable).readlink()) == "/memfd:bash (deleted)"
        with Path(program.executable).open("rb") as file:
            seals = fcntl.fcntl(file.fileno(), fcntl.F_GET_SEALS)
            assert file.read() == bash.read_bytes()
        assert seals & SEALS == SEALS


@pytest.mark.userns
def test_what_a_user_cannot_change_is_executed_by_its_path() -> None:
    with opened("/bin/sh") as program:
        assert (program.fd, program.executable) == (None, "/bin/sh")


@pytest.mark.userns
def test_a_file_that_others_own_but_all_may_write_is_copied(bash: Path) -> None:
    bash.chmod(0o777)
    with opened(str(bash)) as program:
        assert program.fd is not None


@pytest.mark.everyone
def test_a_copy_does_not_find_the_libraries_that_lie_beside_its_file(bash: Path) -> None:
    with bash.open("ab") as file:
        file.write(b"$ORIGIN/../lib\0")
    with opened(str(bash)) as program:
        assert program.finds_its_libraries() is not program.moved


def look(bash: Path, *prefix: str) -> tuple[str, str]:
    """Return how a process that ``prefix`` starts opens a bash, and what that bash says."""
    words = [*prefix, sys.executable, "-c", LOOK, str(ROOT), str(bash), CHANGE]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip(), done.stderr


@pytest.mark.root
def test_root_without_the_right_to_mount_copies_the_file(bash: Path) -> None:
    found, said = look(bash, "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    assert (found, said) == ("/memfd:bash (deleted) True True", "")
    assert bash.stat().st_mode & 0o7777 == 0o755


@pytest.mark.root
def test_on_a_mount_of_its_own_the_path_is_seen_from_there(bash: Path) -> None:
    place = bash.parent / "mount"
    place.mkdir()
    script = f'mount -t tmpfs tmpfs "$0" && cp {bash} "$0" && exec "$@"'
    private = ["unshare", "--mount", "--propagation", "private"]
    found, said = look(place / "bash", *private, "sh", "-c", script, str(place))
    assert found == "/bash True True"
    assert "Read-only file system" in said


@pytest.mark.root
def test_where_no_copy_may_be_executed_it_is_refused(bash: Path) -> None:
    # The setting belongs to the PID namespace.
    setting = "/proc/sys/vm/memfd_noexec"
    if not Path(setting).exists():
        pytest.skip(f"Linux before 6.3 has no {setting}")
    script = 'echo 2 > "$0" && exec setpriv --bounding-set=-sys_admin "$@"'
    apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    found, _ = look(bash, *apart, "sh", "-c", script, setting)
    assert found.startswith("refused: programs inside could change")
    assert found.endswith("sysctl vm.memfd_noexec=1, as root")


def test_the_library_of_python_is_found_beside_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "libpython3.so"
    library.write_bytes(b"\0" * mmap.PAGESIZE)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/given")
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
        found = interpreter.library_path()["LD_LIBRARY_PATH"].split(":")
    assert str(tmp_path) in found
    assert found[-1] == "/given"
