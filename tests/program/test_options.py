"""The words of run: read as Docker reads them, and refused in one sentence."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from shellplay.errors import UsageError
from shellplay.fences import docker
from shellplay.run import plan
from shellplay.run.options import parse
from shellplay.run.plan import Plan


@pytest.fixture(autouse=True)
def known_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every container have the same id."""
    monkeypatch.setattr(plan, "new_id", lambda: "0123456789ab")


def planned(*words: str) -> Plan:
    """Return the plan for words, of the files of this machine."""
    return Plan(parse([*words, "host", "true"]), None, "xterm")


def fences(*words: str) -> dict[str, dict[str, str]]:
    """Return the fences that words ask for, each with its options, in their order."""
    start = planned(*words).start(lambda *_: None)
    return {each.kind: each.given() for each in start.fences}


@pytest.mark.parametrize(
    "words",
    [
        ["-it", "-p", "80:80", "--name", "web"],
        ["-ti", "-p80:80", "--name=web"],
        ["--interactive", "--tty=true", "--publish=80:80", "--name", "web"],
        ["-itp80:80", "--name", "web"],
    ],
)
def test_options_are_spelled_as_for_docker(words: list[str]) -> None:
    asked = parse([*words, "image", "cmd", "-it"])
    assert asked.has("tty")
    assert asked.has("interactive")
    assert asked.last("publish") == "80:80"
    assert asked.last("name") == "web"
    assert (asked.image, asked.command) == ("image", ("cmd", "-it"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "run needs an IMAGE"),
        (["--netwrok", "host", "image"], "did you mean --network"),
        (["-x", "image"], "run has no option -x"),
        (["--memory"], "run --memory needs AMOUNT"),
        (["-v"], "run -v needs SOURCE"),
    ],
)
def test_what_is_no_option_is_refused_by_its_name(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse(words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-v", "named:/data"], "named volume"),
        (["-v", "/nowhere:/data"], "/nowhere is not there"),
        (["-v", "~nobody-like-that/x:/data"], "nobody has the home directory"),
        (["--env-file", "~nobody-like-that/x"], "nobody has the home directory"),
        (["-v", "/tmp"], "names no target"),
        (["-v", "/tmp:data"], "no place to mount at"),
        (["-v", "/tmp:/a", "--tmpfs", "/a"], "mounted at twice"),
        (["-v", "/tmp:/a:rx"], "rx is no option"),
        (["--mount", "type=nfs,target=/a"], "type=nfs is not known"),
        (["--tmpfs", "/a:huge"], "huge is no option"),
        (["--device", "/etc/passwd"], "is no device"),
        (["-m", "lots"], "no amount"),
        (["--cpus", "none"], "no number"),
        (["--ulimit", "nofiles=3"], "did you mean nofile"),
        (["--cap-add", "net_amdin"], "did you mean net_admin"),
        (["--security-opt", "magic"], "magic is not known"),
        (["--network", "swarm"], "--network cannot be swarm"),
        (["--pid", "mine"], "--pid cannot be mine"),
        (["-w", "src"], "no absolute path"),
        (["-e", "=x"], "is no variable"),
        (["--env-file", "/nowhere"], "cannot be read"),
        (["--stop-signal", "TREM"], "no signal TREM"),
        (["--hostname", "x" * 65], "1 to 64 bytes"),
    ],
)
def test_a_bad_value_is_refused_before_anything_is_started(
    words: list[str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        planned(*words).start(lambda *_: None)
    assert "\n" not in str(caught.value)


def test_without_options_it_is_what_fence_docker_puts_up() -> None:
    found = fences()
    assert tuple(found) == docker.preset()
    assert found["uts"] == {"hostname": "0123456789ab"}


def test_limits_come_before_what_takes_privileges_away() -> None:
    found = fences(
        "-m", "64m", "--cpus", "0.5", "--pids-limit", "9", "--ulimit", "nofile=64:99"
    )
    kinds = list(found)
    assert kinds[-6:] == ["memory", "cpu", "pids", "rlimit", "seccomp", "caps"]
    assert found["rlimit"] == {"nofile": "64:99"}


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["--network", "host"], {"net"}),
        (["--pid", "host"], {"pid"}),
        (["--ipc", "host"], {"ipc"}),
        (["--uts", "host"], {"uts"}),
        (["--privileged"], {"proc", "sys", "dev", "caps", "seccomp"}),
        (["--security-opt", "seccomp=unconfined"], {"seccomp"}),
        (["--cap-add", "ALL"], {"caps"}),
    ],
)
def test_an_option_leaves_a_fence_out(words: list[str], missing: set[str]) -> None:
    assert set(docker.preset()) - set(fences(*words)) == missing


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--cap-drop", "NET_RAW"], ("chown", None)),
        (["--cap-add", "CAP_SYS_TIME"], ("sys_time", None)),
        (["--cap-drop", "all", "--cap-add", "chown"], ("chown", 1)),
        (["--cap-drop", "ALL"], (None, 0)),
    ],
)
def test_capabilities_are_added_and_dropped(
    words: list[str], left: tuple[str | None, int | None]
) -> None:
    given = fences(*words)["caps"]
    kept = given.get("keep", "").split(",") if given.get("keep") else []
    name, count = left
    assert name is None or name in kept
    assert count is None or len(kept) == count
    assert "net_raw" not in kept or "NET_RAW" not in words


def test_variables_come_from_files_the_line_and_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "mine")
    monkeypatch.delenv("UNKNOWN", raising=False)
    file = tmp_path / "env"
    file.write_text("# said\nA=1\nB=from file\n\n")
    words = ["--env-file", str(file), "-e", "B=2", "-e", "OURS", "-e", "UNKNOWN"]
    program = planned(*words).start(lambda *_: None).program
    assert program.environment["A"] == "1"
    assert program.environment["B"] == "2"
    assert program.environment["OURS"] == "mine"
    assert "UNKNOWN" not in program.environment
    assert program.environment["HOSTNAME"] == "0123456789ab"


@pytest.mark.parametrize("spelled", ["INT", "SIGINT", "int", str(int(signal.SIGINT))])
def test_a_stop_signal_is_spelled_as_for_kill(spelled: str) -> None:
    start = planned("--stop-signal", spelled).start(lambda *_: None)
    assert start.program.stop_signal == "INT"
