"""One fence alone: what it leaves open, as docs/threat-model.md says, and what closes that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.container.container import Container
from shellplay.fences import docker
from shellplay.playground.playground import Playground

Fence = Callable[[str], None]


@pytest.fixture
def fence(container: Container) -> Fence:
    """Put up fences by the words of the command."""

    def put_up(words: str) -> None:
        for each in FenceWords("KIND", "").parse(words.split(), Playground()).fences:
            container.fence(each)

    return put_up


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of the host that only its owner may write to."""
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(0o755)
    path = tmp_path / "file"
    path.write_text("before\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def shared_memory() -> Iterator[Path]:
    """A piece of POSIX shared memory of the host."""
    path = Path(f"/dev/shm/shellplay-{os.getpid()}")
    path.write_text("of the host\n")
    yield path
    path.unlink()


def is_changed(container: Container, file: Path) -> bool:
    """Tell whether a program inside changes a file of the host."""
    container.run(f"(echo after >{file}) 2>/dev/null")
    return file.read_text() == "after\n"


@pytest.mark.root
def test_root_leaves_a_network_by_a_process_outside_but_not_all_of_dockers(
    container: Container, fence: Fence
) -> None:
    leave = f"nsenter -t {os.getpid()} -n readlink /proc/self/ns/net"
    ours = str(Path("/proc/self/ns/net").readlink())
    fence("net")
    assert container.run("readlink /proc/self/ns/net").output.strip() != ours
    assert container.run(leave).output.strip() == ours
    container.peel_all()
    for kind in docker.preset():
        fence(kind)
    assert container.run(leave).status != 0


@pytest.mark.root
def test_root_behind_its_usual_map_changes_files_of_root(
    container: Container, fence: Fence, file: Path
) -> None:
    fence("user")
    assert is_changed(container, file)


@pytest.mark.root
def test_root_behind_a_map_of_others_does_not(
    container: Container, fence: Fence, file: Path
) -> None:
    fence("user map=0:100000:65536")
    assert not is_changed(container, file)


@pytest.mark.everyone
@pytest.mark.parametrize("words", ["user mnt", "user net", "user pid"])
def test_behind_namespaces_alone_the_files_of_a_user_are_open(
    words: str, container: Container, fence: Fence, file: Path
) -> None:
    fence(words)
    assert is_changed(container, file)


@pytest.mark.everyone
def test_behind_root_files_are_not_those_of_the_host(
    container: Container, fence: Fence, file: Path
) -> None:
    fence("root" if os.geteuid() == 0 else "user root")
    assert not is_changed(container, file)


@pytest.mark.root
def test_who_has_lost_all_capabilities_still_owns_the_files_of_root(
    container: Container, fence: Fence, file: Path
) -> None:
    fence("caps none")
    assert is_changed(container, file)


@pytest.mark.root
def test_a_dropped_capability_comes_back_in_a_new_user_namespace(
    container: Container, fence: Fence
) -> None:
    ask, net_raw = "grep CapEff /proc/self/status", 1 << 13
    fence("caps drop=net_raw")
    assert not int(container.run(ask).output.split()[1], 16) & net_raw
    assert int(container.run(f"unshare -Ur {ask}").output.split()[1], 16) & net_raw
    fence("userns-lock")
    assert container.run(f"unshare -Ur {ask}").status != 0


@pytest.mark.root
def test_behind_ipc_alone_shared_memory_in_dev_shm_is_open(
    container: Container, fence: Fence, shared_memory: Path
) -> None:
    fence("ipc")
    assert container.run(f"cat {shared_memory}").output == "of the host\n"
    fence("mnt dev")
    assert container.run(f"cat {shared_memory}").status != 0


@pytest.mark.everyone
def test_behind_landlock_the_mode_of_a_file_is_not_covered(
    container: Container, fence: Fence, file: Path
) -> None:
    fence("landlock write=/dev")
    assert not is_changed(container, file)
    assert container.run(f"chmod 640 {file}").status == 0


@pytest.mark.root
def test_behind_pid_alone_proc_shows_the_processes_of_the_host(
    container: Container, fence: Fence
) -> None:
    fence("pid")
    look = f"readlink /proc/{os.getpid()}/exe"
    assert container.run(look).status == 0
    assert container.run(f"kill -0 {os.getpid()}").status != 0
    fence("mnt")
    assert container.run(look).status != 0


@pytest.mark.root
def test_what_is_written_to_a_directory_as_root_is_written_on_the_host(
    container: Container, fence: Fence, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    for name in ("proc", "sys", "dev"):
        (tree / name).mkdir(parents=True)
    fence(f"root {tree}")
    container.run("echo written >/by-bash")
    assert (tree / "by-bash").read_text() == "written\n"
