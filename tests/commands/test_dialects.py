"""Lines of docker, podman, unshare, nsenter and of a shell, typed at our prompt."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.dialects import DOCKER, HINTS, NAMESPACES, ON_CONTAINER, SAME, translated
from shellplay.cmdline.index import COMMANDS
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.tokenizer import split
from shellplay.errors import ShellplayError
from shellplay.fences.index import FENCES
from shellplay.playground.playground import Playground

Typed = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def typed(playground: Playground) -> Typed:
    """Run a line; return its status, its output and its notes."""

    def run(line: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        printer = Printer(out, err, color=False)
        status = Interpreter(playground, printer, Batch(printer)).run(line)
        return status, out.getvalue(), err.getvalue()

    return run


def native(line: str, playground: Playground) -> str:
    try:
        return " ".join(translated(split(line), playground))
    except ShellplayError as error:
        return str(error)


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("docker ps", "containers"),
        ("docker ps -a", "containers"),
        ("podman images", "image ls"),
        ("docker container ls", "containers"),
        ("docker rmi web", "image rm web"),
        ("docker run --rm -it alpine sh", "run --rm -it alpine sh"),
        ("docker exec -it -u 4242 web sh -x", "exec -it -u 4242 -c web sh -x"),
        ("docker top web", "ps -c web"),
        ("docker diff web", "diff -c web files"),
        ("docker commit web mine", "commit -c web mine"),
        ("docker", "help docker"),
        ("docker run --help", "help run"),
        ("unshare -n", "fence net"),
        ("unshare -pf --mount-proc", "fence mnt pid"),
        ("unshare -muinpUCT", "fence user mnt uts ipc net pid cgroup time"),
        ("unshare -r --net", "fence user net"),
        ("unshare uts", "fence uts"),
        ("nsenter web", "enter web"),
    ],
)
def test_a_line_of_another_program_has_our_words(
    line: str, ours: str, playground: Playground
) -> None:
    assert native(line, playground) == ours


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("docker build .", "commit NAME"),
        ("docker exec", "exec -c NAME"),
        ("docker iamges", 'did you mean "images"?'),
        ("unshare -n bash", "fence net; in bash"),
        ("unshare -S 0", "-S has no counterpart here"),
        ("nsenter -t 1 -a ls", "! nsenter -t 1 -a ls"),
        ("nsenter -t 1 -Z", "-Z has no counterpart here"),
    ],
)
def test_what_has_no_counterpart_gets_a_hint(
    line: str, hint: str, playground: Playground
) -> None:
    assert hint in native(line, playground)


def test_the_tables_name_commands_and_fences_that_exist() -> None:
    named = {words[0] for words in DOCKER.values()} | {
        name for name, _ in ON_CONTAINER.values()
    }
    assert named | SAME <= set(COMMANDS)
    assert set(NAMESPACES.values()) <= set(FENCES)
    assert not set(HINTS) & {*DOCKER, *SAME, *ON_CONTAINER}


def test_a_translated_line_runs_and_says_what_it_is_here(
    typed: Typed, capfd: pytest.CaptureFixture[str]
) -> None:
    assert typed("new web")[0] == 0
    status, out, err = typed("docker exec web sh -c 'echo \"a;  b\"'")
    # Its output goes to the standard output itself.
    assert (status, out, capfd.readouterr().out) == (0, "", "a;  b\n")
    assert err.startswith("docker exec web sh")
    status, out, err = typed("unshare -u; fences")
    assert (status, err) == (0, "unshare -u is fence uts here\n")
    assert "web: uts fence is up" in out


def test_nsenter_finds_the_container_by_the_pid_of_its_bash(
    typed: Typed, playground: Playground
) -> None:
    typed("new web; new db")
    pid = playground.find("web").pid
    assert native(f"nsenter -t {pid} -a", playground) == "enter web"
    assert native(f"nsenter --target={pid} -n ip a", playground) == "exec -c web ip a"


@pytest.mark.parametrize("line", ["echo hi", "cd /", "x=1", "whoami", "/bin/ls -l", "umask 22"])
def test_a_line_of_a_shell_is_told_where_it_belongs(line: str, typed: Typed) -> None:
    status, out, err = typed(line)
    assert (status, out) == (2, "")
    assert f"(inside: in {line}; on the host: ! {line})" in err


def test_a_long_line_of_a_shell_is_cut(typed: Typed) -> None:
    assert "inside: in echo ...; on" in typed(f"echo {'x' * 500}")[2]


@pytest.mark.parametrize(
    ("word", "fix"),
    [
        ("bogus", "help lists"),
        ("fecne", '"fence"'),
        ("podmann", "help lists"),
        ("ecno", "help"),
    ],
)
def test_only_a_close_word_is_suggested(word: str, fix: str, typed: Typed) -> None:
    assert f'unknown command "{word}" (' in (err := typed(word)[2])
    assert fix in err
