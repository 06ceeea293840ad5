"""``why`` finds the call that was refused, and proves which fences refused it."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.playground.playground import Playground
from shellplay.refusal.answer import Answer, explain_line
from tests.program.conftest import Run
from tests.refusal.refusals import AS_ANYONE, AS_ORDINARY, AS_ROOT, PYTHON, Refusal
from tests.waiting import wait_until

pytestmark = pytest.mark.ptrace
TIMEOUT = 20.0
MOST_TRIALS = 25


def why(container: Container, line: str, *, may_change: bool = False) -> Answer:
    """Ask why a line is refused."""
    return explain_line(container.trials, line, may_change=may_change, timeout=TIMEOUT)


def require_proven(
    playground: Playground, run: Run, fences: str, lines: tuple[Refusal, ...]
) -> None:
    """Put fences up, ask for each line, and compare the answers."""
    done = run(f"fence {fences}")
    assert done.status == 0, done.told
    assert playground.current is not None
    before = playground.current.fences()
    for each in lines:
        found = why(playground.current, each.line)
        assert found.call is not None, found
        assert (found.call.name, found.call.code) == (each.call, each.error), found
        assert set(found.proof.fences) == set(each.cause), found
        assert found.proof.capability == each.capability, found
        assert found.proof.trials <= MOST_TRIALS
        if each.host:
            assert each.host in (found.host or ""), found
    assert playground.current.fences() == before
    assert playground.current.run("echo $((6 * 7))").output == "42\n"


@pytest.mark.root
@pytest.mark.parametrize(("fences", "lines"), AS_ROOT.items(), ids=[*AS_ROOT])
def test_the_cause_of_a_refusal_is_proven(
    playground: Playground, run: Run, fences: str, lines: tuple[Refusal, ...]
) -> None:
    require_proven(playground, run, fences, lines)


@pytest.mark.everyone
@pytest.mark.parametrize(("fences", "lines"), AS_ANYONE.items(), ids=[*AS_ANYONE])
def test_the_cause_of_a_refusal_is_proven_to_everyone(
    playground: Playground, run: Run, fences: str, lines: tuple[Refusal, ...]
) -> None:
    require_proven(playground, run, fences, lines)


@pytest.mark.userns
@pytest.mark.parametrize(("fences", "lines"), AS_ORDINARY.items(), ids=[*AS_ORDINARY])
def test_what_no_fence_refuses_is_explained_from_the_kernel(
    playground: Playground, run: Run, fences: str, lines: tuple[Refusal, ...]
) -> None:
    require_proven(playground, run, fences, lines)


@pytest.mark.everyone
def test_a_server_outside_of_a_network_is_found_to_be_behind_its_fence(
    container: Container, run: Run
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        run("fence net")
        port = server.getsockname()[1]
        found = why(container, f"exec 3<>/dev/tcp/127.0.0.1/{port}")
    assert found.proof.fences == ("net",), found


@pytest.mark.everyone
def test_a_line_that_passes_has_no_answer(container: Container) -> None:
    found = why(container, "cd /; ls >/dev/null; (exit 3)")
    assert (found.call, found.held_back, found.status) == (None, None, 3)


@pytest.mark.everyone
@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("echo new > {}/new", "openat"),
        ("echo new > {}/old", "openat"),
        ("rm {}/old", "unlinkat"),
        ("mv {}/old {}/new", "rename"),
        ("mkdir {}/directory", "mkdir"),
        ("chmod 7 {}/old", "fchmodat"),
        ("ln -s x {}/link", "symlinkat"),
        ("kill -9 $PPID", "kill"),
        (f'{PYTHON} \'import os; os.setxattr("{{}}/old", "user.x", b"x")\'', "setxattr"),
        (
            f"{PYTHON} 'import os, signal as s; "
            "s.pidfd_send_signal(os.pidfd_open(os.getppid()), s.SIGURG)'",
            "pidfd_send_signal",
        ),
    ],
)
def test_a_change_is_not_made_a_second_time(
    container: Container, tmp_path: Path, line: str, call: str
) -> None:
    tmp_path.chmod(0o777)
    old = tmp_path / "old"
    old.write_text("old")
    mode = old.stat().st_mode
    found = why(container, line.format(tmp_path, tmp_path))
    assert found.held_back is not None, found
    assert found.held_back.name.startswith(call)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (old.read_text(), old.stat().st_mode) == ("old", mode)


@pytest.mark.everyone
def test_with_yes_a_change_is_made(container: Container, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    found = why(container, f"echo new > {tmp_path}/new", may_change=True)
    assert found.held_back is None
    assert (tmp_path / "new").read_text() == "new\n"


@pytest.mark.everyone
def test_the_live_bash_keeps_what_its_copy_has_changed(container: Container) -> None:
    container.run("x=1; cd /usr")
    why(container, "x=2; cd /; exec 9</dev/null; false")
    told = container.run('echo $x $PWD "$(ls -l /proc/$$/fd/9 2>&1 | grep -c null)"')
    assert told.output == "1 /usr 0\n"
    assert "x=2" not in container.logs()


@pytest.mark.everyone
@pytest.mark.parametrize(
    "line",
    [
        "sleep 1000 & sleep 1000",
        "setsid sleep 1000 & (setsid setsid sleep 1000 &) ; cat",
        "while :; do :; done",
        "trap '' INT TERM; while :; do sleep 1000; done",
        f"{PYTHON} 'import os\nfor _ in range(9): os.fork()\nos.pause()'",
    ],
)
def test_a_line_that_does_not_end_is_ended_with_all_that_it_started(
    container: Container, line: str
) -> None:
    found = explain_line(container.trials, line, may_change=False, timeout=0.5)
    assert found.status is None
    assert len(container.members()) == 1


@pytest.mark.everyone
def test_a_process_that_leaves_the_tracer_is_not_started(container: Container) -> None:
    untraced = "c.syscall(56, 0x800000 | 17, 0, 0, 0, 0)"
    found = why(container, f"{PYTHON} 'import ctypes; c = ctypes.CDLL(None); {untraced}'")
    assert found.held_back is not None
    assert found.held_back.name == "clone"


@pytest.mark.everyone
def test_words_from_inside_do_not_reach_the_terminal_raw(run: Run) -> None:
    run("new")
    said = run(r"why cat $'/\e]0;title\a\n\u202enowhere'")
    assert "\x1b" not in said.told
    assert "\u202e" not in said.told
    assert "cat called openat" in said.told


@pytest.mark.everyone
def test_why_alone_is_about_the_last_line_that_failed(run: Run) -> None:
    run("new")
    assert "no line has failed yet" in run("why").told
    run("in cat /nowhere")
    run("in true")
    said = run("why")
    assert 'openat("/nowhere", 0, 0): ENOENT' in said.told
    assert "there is no nowhere in /" in said.told


@pytest.mark.everyone
def test_a_script_gets_the_answer_as_a_document(run: Run) -> None:
    run("new")
    said = run("why --json cat /nowhere")
    found: Mapping[str, object] = json.loads(said.told.splitlines()[-1])
    assert (found["kind"], found["fences"], found["unproven"]) == ("why", [], None)
    call = found["call"]
    assert isinstance(call, dict)
    assert (call["name"], call["error"], call["paths"]) == ("openat", "ENOENT", ["/nowhere"])


@pytest.mark.everyone
def test_a_busy_bash_is_not_copied(container: Container, run: Run) -> None:
    container.type(b"sleep 1000\r")
    wait_until(lambda: container.state.value == "busy", "the line")
    said = run("why true")
    assert said.status != 0
    assert "busy" in said.told
