"""A peel executes nothing that was written behind the fence."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, TimedOut
from shellplay.fences import REGISTRY
from shellplay.shell import terminal

pytestmark = pytest.mark.everyone
# Each writes down, whenever it is executed, whether that is behind the fence.
PLANTED = {
    "trap": "trap '{look}' DEBUG",
    "function": 'cd() {{ {look}; builtin cd "$@"; }}',
    "alias": "alias ls='{look}; ls'",
    "prompt command": "PROMPT_COMMAND='{look}'",
    "array of prompt commands": "PROMPT_COMMAND=(: '{look}')",
    "prompt": "PS0='$({look})'",
    "path": "PATH={directory}:$PATH",
    "trace prompt": "PS4='$({look})'; set -x",
}
GIVEN: dict[str, dict[str, str]] = {
    **{each: {} for each in ("user", "pid", "caps", "nnp")},
    "seccomp": {"deny": "reboot"},
    "landlock": {"write": "/"},
}
LOOKED_FOR = "cd /; ls / >/dev/null; true"


@pytest.mark.parametrize(
    "what",
    list(PLANTED),
)
def test_what_was_written_inside_is_not_executed_outside(
    what: str, container: Container, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    look = f"grep NoNewPrivs /proc/self/status >>{proof}"
    evil = tmp_path / "ls"
    evil.write_text(f'#!/bin/sh\n{look}\nexec /bin/ls "$@"\n')
    evil.chmod(0o755)
    container.fence(REGISTRY["nnp"]())
    container.run(PLANTED[what].format(look=look, directory=tmp_path))
    container.peel("nnp")
    container.run(LOOKED_FOR)
    found = proof.read_text().split() if proof.exists() else []
    assert "0" not in found


@pytest.mark.parametrize("kind", GIVEN)
def test_no_code_comes_out_of_any_fence_that_goes_one_way(
    kind: str, container: Container
) -> None:
    container.fence(REGISTRY[kind].parse(GIVEN[kind]))
    container.run("evil() { echo evil; }; alias wicked='echo evil'; data=kept")
    container.peel_all()
    assert container.run("echo $data").output == "kept\n"
    assert container.run("declare -F evil").status == 1
    assert container.run("alias wicked").status == 1


def test_an_answer_without_an_end_is_refused(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "HIDDEN_BYTES", 100_000)
    container.fence(REGISTRY["nnp"]())
    container.run(": inside")
    with container.attended(), pytest.raises(Refused, match="hidden output"):
        container.terminal.ask("while printf %999s >&3; do :; done", alive=container.live.pidfd)


def test_output_without_an_end_is_no_answer(
    container: Container, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(terminal, "HIDDEN_TIMEOUT", 1.0)
    now = tmp_path / "now"
    flood = "while :; do printf %1000s >/dev/tty; done"
    container.run(f"trap '[[ ! -e {now} ]] || {flood}' DEBUG")
    now.touch()
    with container.attended(), pytest.raises(TimedOut):
        container.terminal.ask(":", alive=container.live.pidfd)


def test_an_answer_that_is_no_number_is_no_mistake_of_ours(container: Container) -> None:
    container.run("__shellplay_rehook() { command printf 'abc\\x1fevil' >&3; }")
    assert container.run("echo here").output == "here\n"
