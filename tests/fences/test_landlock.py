"""The landlock fence: what may still be read, changed, run, connected to, listened on."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.caps import Caps
from shellplay.fences.landlock import Landlock
from shellplay.kernel import landlock
from shellplay.kernel.landlock import Files
from shellplay.model import How

pytestmark = pytest.mark.everyone
CONNECT = "(exec 9<>/dev/tcp/127.0.0.1/{port} && echo connected)"
LISTEN = (
    "python3 -c \"import socket; socket.create_server(('127.0.0.1', {port}))\" 2>&1 | tail -1"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a file ``inside`` and a directory ``open`` with another in it."""
    (tmp_path / "open").mkdir()
    for name in ("inside", "open/inside"):
        (tmp_path / name).write_text("text\n")
    return tmp_path


@pytest.fixture
def ports() -> None:
    """Skip on a kernel whose Landlock knows files only."""
    if landlock.abi() < 4:
        pytest.skip("ports came to Landlock in Linux 6.7")


@pytest.fixture
def port(ports: None) -> Iterator[int]:
    """A TCP port of the loopback on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def denied(container: Container, line: str) -> bool:
    """Tell whether a line fails because it may not."""
    result = container.run(line)
    return result.status != 0 and "ermission denied" in result.output


def test_files_are_changed_below_the_listed_paths_only(
    container: Container, folder: Path
) -> None:
    container.fence(Landlock(write=f"{folder}/open"))
    for line in ("echo x >", "echo x >>", "truncate -s 0", "rm -f", "mv -t /tmp", "ln -t /tmp"):
        assert denied(container, f"{line} {folder}/inside")
    assert denied(container, f"mkdir {folder}/new")
    assert container.run(f"cat {folder}/inside").output == "text\n"
    made = "mkdir new && echo x >new/file && mv new/file moved && rm -r new moved inside"
    assert container.run(f"cd {folder}/open && {made}").status == 0
    assert container.run("echo x >/dev/null").status == 0
    container.peel("landlock")
    assert container.run(f"rm {folder}/inside").status == 0


def test_files_are_read_below_the_listed_paths_only(container: Container, folder: Path) -> None:
    container.fence(Landlock(read=f"{folder}/open,{folder}/inside,/usr,/etc"))
    assert container.run(f"cat {folder}/open/inside {folder}/inside").output == "text\n" * 2
    assert denied(container, f"ls {folder}")
    assert denied(container, "cat </proc/self/status")
    assert (
        container.run(f"echo changed >{folder}/new; cd {folder}/open; ls").output == "inside\n"
    )


def test_programs_are_run_from_the_listed_paths_only(
    container: Container, folder: Path
) -> None:
    container.run(f"cp /bin/true {folder}/program")
    container.fence(Landlock(exec="/usr"))
    assert denied(container, f"{folder}/program")
    assert container.run("true && /bin/echo run").output == "run\n"
    container.peel("landlock")
    container.fence(Landlock(exec=f"{folder},/usr/lib"))
    assert container.run(f"{folder}/program").status == 0
    assert denied(container, "/bin/true")


def test_a_path_is_what_bash_sees_and_relative_to_where_it_is(
    container: Container, folder: Path
) -> None:
    container.run(f"cd {folder}")
    container.fence(Landlock(write="open"))
    assert container.run("echo x >open/inside").status == 0
    assert denied(container, "echo x >inside")


def test_none_leaves_nothing(container: Container, folder: Path) -> None:
    container.fence(Landlock(write="none"))
    assert denied(container, f"echo x >{folder}/open/inside")


def test_only_the_listed_ports_are_connected_to(container: Container, port: int) -> None:
    connect = CONNECT.format(port=port)
    container.fence(Landlock(connect=f"{port}"))
    assert container.run(connect).output == "connected\n"
    container.peel("landlock")
    container.fence(Landlock(connect="none"))
    assert denied(container, connect)


def test_only_the_listed_ports_are_listened_on(container: Container, ports: None) -> None:
    listen = LISTEN.format(port=0)
    assert container.run(listen).output == ""
    container.fence(Landlock(bind="none"))
    assert container.run(listen).output.startswith("PermissionError: [Errno 13]")
    container.peel("landlock")
    container.fence(Landlock(bind="0"))
    assert container.run(listen).output == ""


def test_it_is_shown_as_it_was_put_up_although_the_kernel_is_silent(
    container: Container,
) -> None:
    change = container.fence(Landlock(write="/tmp"))
    record = {each.fence: each for each in container.fences()}["landlock"]
    assert (change.how, record.how, record.up) == (How.FORKED, How.FORKED, True)
    assert record.options == {"write": "/tmp"}
    assert record.shell_state == "up, though the kernel does not show it"
    container.peel("landlock")
    assert not {each.fence: each for each in container.fences()}["landlock"].up


def test_an_ordinary_user_gives_up_new_privileges_first(container: Container) -> None:
    change = container.fence(Landlock(write="none"))
    needed = ["nnp"] if os.geteuid() else []
    assert [each.fence for each in change.first] == needed
    if needed:
        with pytest.raises(Refused, match="landlock stands inside nnp"):
            container.peel("nnp")


@pytest.mark.ptrace
def test_a_namespace_and_its_mounts_come_below_it(container: Container, folder: Path) -> None:
    container.fence(Caps())
    container.fence(Landlock(write="none"))
    for kind in ("pid", "mnt"):
        container.fence(REGISTRY[kind]())
    assert container.run("ps -e | wc -l").output.strip() == "4"
    assert denied(container, f"echo x >{folder}/new")
    container.peel("landlock")
    container.peel("pid")


def test_no_descriptor_of_its_making_stays_open(container: Container) -> None:
    before = container.run("ls /proc/$$/fd").output
    container.fence(Landlock(write="/tmp"))
    assert container.run("ls /proc/$$/fd").output == before


def test_a_path_that_is_missing_is_refused_and_nothing_changes(container: Container) -> None:
    container.fence(REGISTRY["nnp"]())
    before = container.pid
    with pytest.raises(Refused, match=r"landlock: bash cannot open /missing, .*ENOENT"):
        container.fence(Landlock(write="/tmp,/missing"))
    assert container.pid == before
    assert container.run("echo goes on | cat").output == "goes on\n"


@pytest.mark.parametrize("port", ["x", "65536", "-1", "²"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(UsageError, match="is not a port"):
        Landlock(bind=port)


def test_alone_it_asks_what_is_left() -> None:
    with pytest.raises(UsageError, match=r"say what is left \(as in write=/tmp\)"):
        Landlock.parse({})


def test_an_older_kernel_handles_what_it_knows(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 1)
    assert Files.REFER | Files.TRUNCATE not in landlock.known(landlock.WRITE)
    assert Files.WRITE_FILE in landlock.known(landlock.WRITE)
    with pytest.raises(Refused, match=r"ABI 1, knows no ports .*Linux 6\.7"):
        container.fence(Landlock(bind="none"))
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    with pytest.raises(Refused, match="this kernel has no Landlock"):
        container.fence(Landlock(write="none"))
