"""A refused call that is repeated without the fences harms neither the host nor the trial."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.container.fencing import Fencing
from shellplay.kernel.seccomp import call_number
from shellplay.refusal.call import RefusedCall, without_extra_slashes
from shellplay.refusal.proof import Prover
from shellplay.refusal.repetition import changes, form_of

pytestmark = pytest.mark.ptrace
LIBC = ctypes.CDLL(None, use_errno=True)
REMOUNT_READ_ONLY, OF_USER, KEYCTL_READ = 33, 2, 11
NAME_SIZE, PR_GET_NAME = 128, 16
CONTENT = "of the host"


def refused(name: str, *arguments: int | bytes, number: int = errno.EPERM) -> RefusedCall:
    """Return a call that a program inside has made, and that was refused."""
    found = call_number(name)
    assert found is not None
    paths = tuple(
        os.fsdecode(each)
        for each in arguments
        if isinstance(each, bytes) and each.startswith(b"/")
    )
    return RefusedCall(name=name, number=found, arguments=arguments, errno=number, paths=paths)


def repeated(container: Container, call: RefusedCall) -> int | None:
    """Repeat a call without any fence."""
    return Prover(container.trials, call).refused(container.trials.kinds)


def handle_of(path: Path) -> bytes:
    """Return the file handle of a path, name_to_handle_at(2)."""
    found = ctypes.create_string_buffer(struct.pack("I", NAME_SIZE), NAME_SIZE + 8)
    mount = ctypes.c_int()
    name = os.fsencode(path)
    done = LIBC.name_to_handle_at(-100, name, found, ctypes.byref(mount), 0)
    assert done == 0, os.strerror(ctypes.get_errno())
    return found.raw


@pytest.mark.root
def test_a_file_of_the_host_is_not_truncated_by_its_handle(
    container: Container, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text(CONTENT)
    flags = os.O_WRONLY | os.O_TRUNC
    # The descriptor stands for the file system of the directory of bash.
    container.run(f"cd {tmp_path}")
    call = refused("open_by_handle_at", -100, handle_of(victim), flags)
    assert repeated(container, call) == 0
    assert victim.read_text() == CONTENT


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A file system of the host in memory."""
    place = tmp_path / "memory"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.root
def test_a_file_system_of_the_host_does_not_become_read_only(
    container: Container, memory: Path
) -> None:
    call = refused("mount", b"none", os.fsencode(memory), b"tmpfs", REMOUNT_READ_ONLY, b"")
    assert repeated(container, call) == 0
    (memory / "file").write_text(CONTENT)


@pytest.mark.root
def test_a_mount_is_only_ever_taken_out_of_a_copy(container: Container, memory: Path) -> None:
    (memory / "file").write_text(CONTENT)
    call = refused("umount2", os.fsencode(memory), 1)
    assert repeated(container, call) == 0
    assert (memory / "file").read_text() == CONTENT
    form = form_of(refused("umount2", b"/", 0))
    assert form is not None
    # Without MNT_DETACH the root of the host becomes read-only.
    assert form.steps[0][1] == (b"/", 2)


@pytest.mark.userns
def test_other_processes_of_the_user_keep_their_priority(container: Container) -> None:
    with subprocess.Popen(["sleep", "100"]) as neighbour:
        try:
            mine = os.getpriority(os.PRIO_PROCESS, neighbour.pid)
            repeated(container, refused("setpriority", OF_USER, 0, mine + 1))
            assert os.getpriority(os.PRIO_PROCESS, neighbour.pid) == mine
        finally:
            neighbour.kill()


@pytest.mark.root
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("prctl", (PR_GET_NAME, 0x400000, 0, 0, 0)),
        ("keyctl", (KEYCTL_READ, 1, 0x400000, 4096, 0)),
        ("bpf", (5, struct.pack("7Q", 1, 0, 0, 0, 0x400000, 0, 0), 56)),
        ("io_uring_setup", (1, struct.pack("30I", *[0x400000] * 30))),
        ("setsockopt", (3, 0, 64, struct.pack("I", 0x400000), 4)),
    ],
)
def test_no_address_of_a_program_inside_reaches_the_memory_of_a_trial(
    name: str, arguments: tuple[int | bytes, ...]
) -> None:
    form = form_of(refused(name, *arguments))
    steps = form.steps if form else ()
    numbers = [each for _, given, _ in steps for each in given if isinstance(each, int)]
    contents = [each for _, given, _ in steps for each in given if isinstance(each, bytes)]
    assert 0x400000 not in numbers
    assert struct.pack("I", 0x400000) not in b"".join(contents)


@pytest.mark.root
def test_a_firewall_gets_no_table(container: Container) -> None:
    call = refused("setsockopt", 3, 0, 64, bytes(96), 96)
    assert repeated(container, call) is not None
    form = form_of(call)
    assert form is not None
    assert form.steps[-1][1][-2:] == (0, 0)


@pytest.mark.everyone
def test_a_server_of_the_host_gets_no_connection(container: Container, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o777)
        server.listen()
        server.setblocking(False)
        address = struct.pack("H", socket.AF_UNIX) + os.fsencode(path) + b"\0"
        call = refused("connect", 3, address, len(address))
        assert repeated(container, call) == 0
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.root
def test_a_link_in_the_place_of_the_directory_leads_no_repetition_out_of_memory(
    container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, victims = tmp_path / "inside", tmp_path / "victims"
    for each in (inside, victims):
        each.mkdir()
        (each / "file").write_text(CONTENT)
    surround = Fencing.surround

    def swap_first(*arguments: object) -> None:
        # What a program inside could do between the mount and the repeated call.
        inside.rename(tmp_path / "away")
        inside.symlink_to(victims)
        surround(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Fencing, "surround", swap_first)
    path = os.fsencode(inside / "file")
    assert repeated(container, refused("unlinkat", -100, path, 0)) == 0
    assert (victims / "file").read_text() == CONTENT
    assert (tmp_path / "away" / "file").read_text() == CONTENT


@pytest.mark.everyone
@pytest.mark.parametrize("kind", ["pipe", "watchdog"])
def test_no_file_is_opened_that_does_something_when_it_is_opened(
    container: Container, tmp_path: Path, kind: str
) -> None:
    link = tmp_path / "link"
    if kind == "pipe":
        os.mkfifo(tmp_path / "pipe")
        link.symlink_to("pipe")
    else:
        # A character device that is there on every machine, and is not on the list.
        link.symlink_to("/dev/console")
    call = refused("openat", -100, os.fsencode(link), os.O_RDONLY, number=errno.EACCES)
    assert repeated(container, call) is None


@pytest.mark.parametrize(
    ("path", "held"), [("/dev/kmsg", True), ("/dev/mem", True), ("/dev/null", False)]
)
def test_what_is_written_to_a_device_counts_as_a_change(path: str, held: bool) -> None:
    assert changes(refused("openat", -100, os.fsencode(path), os.O_WRONLY)) is held


def test_two_slashes_at_the_beginning_of_a_path_are_one() -> None:
    assert without_extra_slashes("//dev//kmsg") == "/dev/kmsg"
