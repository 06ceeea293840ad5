"""Stories of a session that writes itself down, with what is typed inside a live bash."""

from __future__ import annotations

import re
import shutil
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from shellplay.cast.events import Event, Output, Resized
from shellplay.cast.reader import Reader
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import descendants
from shellplay.recipe.document import Actor, Step
from shellplay.recipe.parse import parse
from tests.e2e.watching import PROGRAM, Watcher
from tests.stage.recipes import program
from tests.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

# Said by what is to be stopped: bash itself could still be starting it.
ENDLESS = "sh -c 'echo go-$((40+2)); exec sleep 1000'"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the recipe is written."""
    return tmp_path / "a.play.md"


@pytest.fixture
def session(open_terminal: Callable[..., Terminal], path: Path) -> Terminal:
    """A session that writes itself down, with a container that is entered."""
    terminal = open_terminal()
    assert terminal.run(f"record start {path}")[0] == 0
    assert terminal.run("new web")[0] == 0
    terminal.send("enter\r")
    terminal.expect("leaves, the bash lives on")
    terminal.expect(r"[#$] ")
    return terminal


def programs(session: Terminal) -> list[tuple[str, ...] | None]:
    """Return the command lines of all processes of a session."""
    return [procfs.arguments(pid) for pid in descendants(session.shell.pid)]


def typed(terminal: Terminal, line: str, *, expecting: str = "") -> None:
    """Type a line into the live bash, and wait for what it says and for the next prompt.

    Without what is expected the line behind it is typed ahead, and may be echoed in the
    output of this one, which is then not known for sure.
    """
    terminal.send(f"{line}\r")
    if expecting:
        terminal.expect(expecting)
        terminal.expect(r"[#$] ")
    # The prompt is drawn anew when Enter is pressed: the last one is behind its answer.
    terminal.send("echo next-$((40+2))\r")
    terminal.expect("next-42\r\n")
    terminal.expect(r"[#$] ")


def is_raw(terminal: Terminal) -> bool:
    """Tell whether keys go to the live bash as they are."""
    return not termios.tcgetattr(terminal.shell.child_fd)[3] & termios.ISIG


def leave(terminal: Terminal) -> None:
    """Leave the live bash, and wait for the prompt."""
    terminal.control("]")
    terminal.expect(r"web: left, bash \d+ lives on")
    terminal.ready()


def steps(path: Path) -> list[Step]:
    """Return the steps that are written, without the echoes between them."""
    found = parse(path.read_text(), str(path)).steps
    return [step for step in found if step.text != "echo next-$((40+2))"]


def output(step: Step) -> list[str]:
    """Return the lines that a step expects."""
    return [line.text for line in step.expected]


def passes(path: Path) -> None:
    """The recipe passes its own test."""
    done = program("test", path)
    assert done.returncode == 0, f"{done.stdout}\n{path.read_text()}"


def test_lines_typed_inside_are_steps_with_exact_output_and_status(
    session: Terminal, path: Path
) -> None:
    typed(session, "echo $$; (exit 3)", expecting=r"\r\n\d+\r\n")
    typed(session, "for i in 1 2; do\recho line-$i\rdone", expecting="line-2\r\n")
    typed(session, "if ;", expecting="syntax error.*\r\n")
    typed(session, "ecnt\x02\x02ho moved\x7f\x7f\x1bOF", expecting="\nmovnt\r\n")
    typed(session, "sleep 1000 &", expecting=r"\[1\] \d+\r\n")
    leave(session)
    # Bash goes on as soon as it has forked the job, which is another bash until its execve.
    wait_until(lambda: ("sleep", "1000") in programs(session), "the job")
    assert session.run("ps host")[0] == 0
    _, one, loop, wrong, _, job, host = steps(path)
    assert (one.actor, one.text, output(one), one.status) == (
        *(Actor.IN, "echo $$; (exit 3)", ["<pid:B1>"], 3),
    )
    assert (loop.text, output(loop)) == (
        *("for i in 1 2; do\necho line-$i\ndone", ["line-1", "line-2"]),
    )
    assert (wrong.text, wrong.status) == ("if ;", 2)
    assert output(job) == ["[1] <pid:P1>"]
    assert any(re.match(" *<pid:P1> +<pid:B1> ", line) for line in output(host))
    session.send("quit\r")
    session.ended()
    passes(path)


def test_a_line_that_was_found_completed_or_pasted_is_what_bash_was_given(
    session: Terminal, path: Path
) -> None:
    typed(session, "echo found-me", expecting="found-me\r\n")
    session.send("\x12found")
    session.expect("reverse-i-search")
    session.send("\r")
    session.expect("found-me\r\n")
    session.send("echo first\recho second\r")
    session.expect("second\r\n")
    typed(session, "cd /usr/loc\t; pwd")
    leave(session)
    texts = [step.text for step in steps(path)]
    assert texts[1:] == [
        *("echo found-me", "echo found-me", "echo first", "echo second"),
        "cd /usr/local/; pwd",
    ]
    passes(path)


def test_what_is_typed_without_echo_is_never_written(session: Terminal, path: Path) -> None:
    # Keys that come before the echo is off are echoed.
    session.send("stty -echo; echo go-$((40+2)); read one; stty echo; echo got-$((40+2))\r")
    session.expect("go-42\r\n")
    session.send("hunter-one\r")
    session.expect("got-42\r\n")
    typed(session, "stty -echo")
    session.send("echo hunter-two >/dev/null\r")
    session.send("stty echo\r")
    typed(session, "echo seen", expecting="seen\r\n")
    leave(session)
    text = path.read_text()
    assert "hunter" not in text
    assert "in> stty echo" not in text
    assert "# what was typed without echo is not recorded" in text
    skipped = next(step for step in steps(path) if "read one" in step.text)
    assert skipped.conditions.skip == "it reads what was typed without echo"
    assert "echo seen" in [step.text for step in steps(path)]
    passes(path)


def test_what_a_program_reads_with_echo_is_pressed_again(session: Terminal, path: Path) -> None:
    session.send("echo go-$((40+2)); read word\r")
    session.expect("go-42\r\n")
    session.send("some thing\r")
    typed(session, "echo got $word", expecting="got some thing\r\n")
    session.send(f"{ENDLESS}\r")
    session.expect("go-42\r\n")
    session.control("c")
    typed(session, "echo after")
    leave(session)
    found = [(step.actor, step.text) for step in steps(path)]
    assert found[1:] == [
        (Actor.KEY, '"echo go-$((40+2)); read word" Enter'),
        (Actor.KEY, '"some thing" Enter'),
        (Actor.IN, ":"),
        (Actor.IN, "echo got $word"),
        (Actor.KEY, f'"{ENDLESS}" Enter'),
        (Actor.KEY, "C-c"),
        (Actor.IN, ":"),
        (Actor.IN, "echo after"),
    ]
    passes(path)


def test_what_goes_on_while_away_is_waited_for(session: Terminal, path: Path) -> None:
    session.send(f"{ENDLESS}\r")
    session.expect("go-42\r\n")
    leave(session)
    session.send("enter\r")
    session.expect("leaves, the bash lives on")
    wait_until(lambda: is_raw(session), "our terminal, in which ^C is a key like others")
    session.control("c")
    typed(session, "echo back")
    leave(session)
    found = [(step.actor, step.text) for step in steps(path)]
    assert found[1:] == [
        (Actor.KEY, f'"{ENDLESS}" Enter'),
        (Actor.KEY, "C-c"),
        (Actor.IN, ":"),
        (Actor.IN, "echo back"),
    ]
    passes(path)


@pytest.mark.root
def test_a_bash_that_ends_inside_leaves_the_one_that_was_parked(
    session: Terminal, path: Path
) -> None:
    leave(session)
    assert session.run("fence pid")[0] == 0
    session.send("enter\r")
    session.expect("leaves, the bash lives on")
    session.expect(r"[#$] ")
    typed(session, "echo $$", expecting="1\r\n")
    session.send("exit\r")
    session.expect("Enter does that now, any other key leaves")
    session.send("\r")
    session.expect(r"[#$] ")
    typed(session, "echo again")
    leave(session)
    texts = [step.text for step in steps(path)]
    assert texts == ["new web", "fence pid", "echo $$", "exit", "peel -c web", "echo again"]
    passes(path)


def test_a_running_session_begins_to_record_and_ends(
    open_terminal: Callable[..., Terminal], path: Path
) -> None:
    terminal = open_terminal()
    assert terminal.run("record") == (0, "nothing is being recorded\n")
    status, said = terminal.run(f"record start {path}")
    assert (status, " ".join(said.split()).endswith(f"written down in {path}")) == (0, True)
    terminal.send("enter\r")
    terminal.expect("leaves, the bash lives on")
    typed(terminal, "echo inside", expecting="inside\r\n")
    terminal.control("]")
    terminal.ready()
    assert terminal.run("!echo outside") == (0, "outside\n")
    assert terminal.run("record stop")[1].endswith("4 steps\n")
    assert terminal.run("!echo unheard") == (0, "unheard\n")
    assert [step.text for step in steps(path)] == ["new", "echo inside", "echo outside"]
    passes(path)


STORY = [
    "echo $$ $PPID; tty; hostname; whoami; id; pwd; echo ~; date; uname -a",
    "sleep 1000 &",
    "ps -ef",
    "jobs -l; kill %1; wait %1",
    "for each in 1 2; do\recho $each $BASHPID\rdone",
    "ls -l /proc/self/ns/; readlink /proc/$$/ns/uts",
    "touch one; ls -la; stat -c '%U %i' one >two; df . | wc -l",
    "(exit 3)",
]


@pytest.mark.slow
@pytest.mark.root
def test_what_is_typed_inside_passes_ten_times_in_a_row(
    session: Terminal, path: Path, tmp_path: Path
) -> None:
    for line in STORY:
        typed(session, line)
    leave(session)
    for line in ("fence user", "fence uts", "fence pid", "fence mnt"):
        assert session.run(line)[0] == 0
    session.send("enter\r")
    session.expect("leaves, the bash lives on")
    session.expect(r"[#$] ")
    for line in (*STORY, "hostname other; hostname; cat /proc/1/comm; free -m | wc -l"):
        typed(session, line)
    leave(session)
    for line in ("ps host", "peel all --force", "in hostname; jobs"):
        assert session.run(line)[0] == 0
    session.send("quit\r")
    session.ended()
    for number in range(10):
        shutil.copy(path, tmp_path / f"{number}.play.md")
    done = program("test", tmp_path, "-j", 2)
    assert (done.returncode, "11 passed" in done.stdout) == (0, True), done.stdout


def events(cast: Path) -> list[Event]:
    """Return the events of a cast."""
    with cast.open("rb") as file:
        return list(Reader(file))


def test_a_window_that_changes_its_size_is_followed(tmp_path: Path, path: Path) -> None:
    cast, again = tmp_path / "a.cast", tmp_path / "again.cast"
    watcher = Watcher([*PROGRAM, "record", str(path), "--cast", str(cast)], tmp_path / "log")
    watcher.sees("shellplay")
    watcher.press("new web\renter\r")
    watcher.sees("leaves, the bash lives on")
    watcher.press("stty size\r")
    watcher.sees("30 100\r\n")
    watcher.matches("[#$] ")
    watcher.shell.setwinsize(20, 70)
    watcher.matches("[#$] ")  # Bash has heard of it.
    watcher.press("stty size; tput cols\r")
    watcher.sees("20 70\r\n70\r\n")
    watcher.matches("[#$] ")
    watcher.press("\x1d")
    watcher.sees("left, bash")
    watcher.press("in stty size\r")
    watcher.sees("30 100\r\n")
    # Before the prompt a key would be for the line that runs.
    watcher.matches(r"web\x1b\[0m>")
    watcher.press("quit\r")
    assert watcher.ended() == 0
    watcher.close()
    assert [(step.text, *output(step)) for step in steps(path)][1:] == [
        ("stty size", "30 100"),
        ("stty columns 70 rows 20",),
        ("stty size; tput cols", "20 70", "70"),
        ("stty columns 100 rows 30",),
        ("stty size", "30 100"),
    ]
    passes(path)
    assert program("test", path, "--cast", again).returncode == 0
    for file in (cast, again):
        told = events(file)
        sizes = [(each.columns, each.rows) for each in told if isinstance(each, Resized)]
        assert sizes == [(70, 20), (100, 30)]
        text = "".join(each.text if isinstance(each, Output) else "|" for each in told)
        assert re.search(r"\|[^|]*20 70\r\n70\r\n[^|]*\|", text)
