"""The warnings of run: one sentence for each option that opens a fence, and Docker's own."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from shellplay.docker import warnings as module
from shellplay.docker.option_table import OPTIONS
from shellplay.docker.options import parse
from shellplay.docker.warnings import warnings
from shellplay.errors import UsageError
from shellplay.image.store import Store
from shellplay.kernel.capabilities import NAMES
from tests.program.conftest import Run
from tests.program.test_options import fences, planned
from tests.repl.program import shellplay

AS_ROOT = pytest.mark.root


def warned(*words: str) -> list[str]:
    """Return the warnings for words, of the files of this machine."""
    return list(warnings(parse([*words, "host", "true"]), None))


@pytest.mark.parametrize(
    ("words", "opened"),
    [
        (["--privileged"], ["--privileged: a program inside has all capabilities"]),
        (["--cap-add", "ALL"], ["--cap-add ALL: a program inside can do what root can"]),
        (["--cap-add", "all", "--cap-add", "bpf"], ["--cap-add ALL: "]),
        (["--cap-add", "CAP_SYS_ADMIN"], ["--cap-add SYS_ADMIN: a program inside can mount"]),
        (["--cap-add", "sys_ptrace"], ["--cap-add SYS_PTRACE: a program inside can read"]),
        (["--cap-add", "SYS_MODULE"], ["--cap-add SYS_MODULE: a program inside can load"]),
        (["--cap-add", "DAC_READ_SEARCH"], ["--cap-add DAC_READ_SEARCH: a program inside can"]),
        (["--cap-add", "NET_ADMIN"], []),
        (["--cap-add", "CHOWN"], []),
        (
            ["--cap-add", "NET_ADMIN", "--network", "host"],
            ["--network host with NET_ADMIN: a program", "--network host: a program inside"],
        ),
        (["--security-opt", "seccomp=unconfined"], ["--security-opt seccomp=unconfined: a"]),
        (["--security-opt", "seccomp:unconfined"], ["--security-opt seccomp:unconfined: a"]),
        (["--security-opt", "no-new-privileges"], []),
        (["--pid", "host"], ["--pid host: a program inside sees all processes of the host"]),
        (["--pid", "container:web"], []),
        (["--ipc", "host"], ["--ipc host: a program inside shares memory"]),
        (["--network", "host"], ["--network host: a program inside reaches the services"]),
        (["--network", "none"], []),
        (["-v", "/:/host"], ["-v /: a program inside can change every file of the host"]),
        (["-v", "/:/host:ro"], ["-v /: a program inside can read every file of the host"]),
        (
            ["-v", "/proc:/p"],
            ["-v /proc: a program inside can change the settings of the kernel"],
        ),
        (["-v", "/proc/sys:/p"], ["-v /proc/sys: a program inside can change the settings"]),
        (
            ["--mount", "type=bind,source=/etc,target=/e"],
            ["-v /etc: a program inside can change"],
        ),
        (["-v", "/etc/hosts:/hosts"], []),
        (["-v", "/tmp:/tmp"], []),
        (["--tmpfs", "/run/x"], []),
        (
            ["--device", "/dev/ptmx"],
            ["--device /dev/ptmx: a program inside can read and write"],
        ),
        (["--device", "/dev/null"], []),
        (["-p", "0.0.0.0:80:80"], ["-p 0.0.0.0:80:80: other machines can reach this port"]),
        (["-p", "[::]:80:80"], ["-p [::]:80:80: other machines can reach this port"]),
        (["-p", "80:80", "-p", "127.0.0.2:81:81"], []),
        ([], []),
    ],
)
@AS_ROOT
def test_each_option_that_opens_a_fence_has_one_sentence(
    words: list[str], opened: list[str]
) -> None:
    found = warned(*words)
    assert len(found) == len(opened)
    assert all(map(str.startswith, found, opened)), found
    assert all("\n" not in each and len(each.split()) <= 20 for each in found)


@AS_ROOT
def test_a_disk_is_named_as_that() -> None:
    disk = next((each for each in Path("/dev").iterdir() if each.is_block_device()), None)
    if disk is None:
        pytest.skip("this machine has no disk in /dev")
    assert warned("--device", str(disk))[0].endswith("this device, and so each file on it")


@AS_ROOT
def test_the_socket_of_docker_is_warned_about_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        [found] = warned("-v", f"{path}:/var/run/docker.sock")
    assert "can start containers with all privileges" in found


@pytest.mark.userns
def test_an_ordinary_user_hears_of_what_is_open_to_that_user() -> None:
    assert warned("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN") == []
    assert warned("--privileged") == [f"--privileged: {module.OPENED_FOR_USERS}"]
    assert warned("-v", "/:/host")[0].endswith("every file of the host, as far as you can")


def test_each_capability_that_is_warned_about_exists() -> None:
    assert set(module.CAPABILITIES) - {module.ALL} <= set(NAMES)


# -- what Docker warns about and refuses ----------------------------------------------------


def test_ports_are_discarded_with_the_network_of_the_host_as_in_docker() -> None:
    found = warned("-p", "0.0.0.0:80:80", "--network", "host")
    assert [each for each in found if each.startswith("-p is discarded")]
    assert not [each for each in found if "other machines" in each]
    start = planned("-p", "80:80", "--network", "host").start(lambda *_: None)
    assert start.ports == ()


def test_a_memory_limit_below_that_of_docker_is_refused() -> None:
    for little in ("4m", "6291455", "1024k"):
        with pytest.raises(UsageError, match="less than 6 MB is not enough"):
            fences("-m", little)
    assert fences("-m", "6m")["memory"]["max"] == "6m"


def test_swap_that_cannot_be_limited_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from shellplay.fences.memory import Memory

    counted = Memory.counts_swap()
    assert [each for each in warned("-m", "64m") if each.startswith("-m:")] == [
        "-m: the kernel does not count swap, so memory is limited without swap"
    ] * (not counted)
    monkeypatch.setattr("shellplay.fences.memory.SWAP_V1", "memory.no-such-file")
    monkeypatch.setattr("shellplay.fences.memory.SWAP_V2", "memory.no-such-file")
    assert "limited without swap" in warned("-m", "64m")[0]
    assert warned("-m", "0") == []


@pytest.mark.parametrize("words", [["--kernel-memory", "64m"], ["--oom-kill-disable"]])
def test_limits_that_no_kernel_keeps_are_discarded_with_a_warning(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "keeps_oom_control", lambda: False)
    assert "discarded" in OPTIONS[words[0][2:]].help
    found = warned(*words)
    assert found[0].startswith(f"{words[0]} is discarded: ")
    assert fences(*words).keys() == fences().keys()


def test_a_container_that_may_take_all_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "keeps_oom_control", lambda: True)
    assert warned("--oom-kill-disable") == [
        "--oom-kill-disable without -m can take all memory of the host"
    ]
    assert warned("--oom-kill-disable", "-m", "64m") == []


def test_an_image_of_another_platform_is_told(busybox: str) -> None:
    image = Store().get(busybox)
    request = parse([busybox])
    assert list(warnings(request, image)) == []
    foreign = replace(image, config=replace(image.config, architecture="s390x"))
    [found] = warnings(request, foreign)
    assert "is for linux/s390x, and this machine is linux/" in found


# -- where they are printed -----------------------------------------------------------------


@pytest.mark.everyone
def test_warnings_go_to_the_error_stream_and_quiet_silences_them() -> None:
    words = ("run", "--rm", "--network", "none", "--ipc", "host", "host", "echo", "hello")
    done = shellplay(*words)
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert done.stderr.startswith("WARNING: --ipc host: a program inside shares")
    done = shellplay("run", "-q", *words[1:])
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_at_the_prompt_as_well(run: Run) -> None:
    line = "run {} --rm --network none --pid host host true"
    assert "WARNING: --pid host: " in run(line.format("")).told
    assert "WARNING" not in run(line.format("-q")).told
