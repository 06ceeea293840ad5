"""What a bash knows is carried to another one, whatever it knows and whatever it was told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.model import LineResult
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.waiting import wait_until

LESSONS = r"""
shopt -s extglob
alias builtin=nope; alias f=bar; alias printf='echo no'; alias ll='ls '"'"'-l'"'"
f2() { case $1 in @(a|b)) echo ab;; esac; }
function g { echo g; }; export -f g
a=(1 "x y" $'n\nl'); declare -A m=([k]="v w" ["a b"]=$'t\t'); declare -i n=5; declare -n ref=n
declare -u up=abc
EPOCHS=1 BASHFUL=2 COMP_SCI=3
declare() { echo fake; }; unset() { echo fake; }; cd() { echo fake; }
x=$'\x1d\x1e\x1f'; bin=$'\xff\xfe'; empty=; u='ünï'
trap 'echo dbg >/dev/null' DEBUG; trap "echo 'bye'" EXIT; trap '' USR1
umask 027; \builtin set -- one "two words" ''
complete -W 'aa bb' foo
set -u; set -o noclobber; set -e
\builtin cd /usr
"""
QUESTION = r"""
\builtin printf '%s|' "${a[@]}" "${m['k']}" "${m['a b']}" $n $ref "$x" "$bin" "${empty-none}" \
"$u" $up "$EPOCHS$BASHFUL$COMP_SCI" "$#" "$@" "$PWD"
f2 a; g; bash -c g; umask; \builtin alias ll f
\builtin trap -p EXIT USR1 DEBUG; complete -p foo
echo $-; \builtin declare -p n ref up m a
"""


@pytest.fixture(params=[True, False], ids=["live", "respawned"])
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    with Playground(Settings(live=request.param)) as playground:
        yield playground.new()


def learn(container: Container) -> None:
    for line in LESSONS.strip().splitlines():
        container.run(line)


def test_every_kind_of_state_comes_along(container: Container) -> None:
    container.fence(REGISTRY["pid"]())
    learn(container)
    before = container.run(QUESTION.strip())
    change = container.peel("pid", code=True)
    assert change.left == ()
    assert container.run(QUESTION.strip()) == before


def test_what_cannot_be_made_again_is_named_and_the_rest_comes_along(
    container: Container,
) -> None:
    container.run("declare -r fixed=1")
    container.fence(REGISTRY["pid"]())
    container.run("later=2; pushd /tmp")
    change = container.peel("pid")
    assert "directory stack" in change.left
    assert container.run("echo $fixed $later").output == "1 2\n"


def test_a_half_typed_line_survives_a_line_that_fails(container: Container) -> None:
    container.type(b"echo half")
    with pytest.raises(Exception, match="not complete"):
        container.run("for x in 1")
    assert container.run("echo other").output == "other\n"
    container.type(b"\r")
    wait_until(lambda: b"half\r\n" in container.terminal.scrollback()[-60:], "its output")


def test_a_function_named_builtin_does_not_take_the_prompt_away(container: Container) -> None:
    said = container.run("builtin() { echo mine; }")
    assert said.output.startswith("shellplay: the function builtin is undefined again")
    assert said.status == 0
    assert container.run("set -o posix; false") == LineResult(1, "")
    container.fence(REGISTRY["uts"]())
    assert container.run("echo here; shopt -o posix >/dev/null") == LineResult(0, "here\n")


def test_one_that_only_wraps_it_is_left_alone(container: Container) -> None:
    container.run('builtin() { command builtin "$@"; }')
    container.fence(REGISTRY["pid"]())
    container.run("x=41")
    container.peel("pid", code=True)
    assert container.run("echo $((x + 1)); declare -F builtin").output == "42\nbuiltin\n"
    assert container.run("declare -p uid host status 2>/dev/null").output == ""


@pytest.mark.parametrize("separators", ["0", "mv", ":", "\\\\n", ""])
def test_the_prompt_does_not_hang_on_the_separators_of_words(
    separators: str, container: Container
) -> None:
    who = container.run("echo $__shellplay_user@$__shellplay_host").output
    container.run(f"IFS=$'{separators}'")
    assert container.run('echo "$__shellplay_user@$__shellplay_host"').output == who
