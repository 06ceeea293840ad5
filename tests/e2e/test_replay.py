"""Stories of somebody who watches a replay: waits, jumps, takes over, quits."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from shellplay.kernel.process_tree import descendants
from tests.commands.test_shipped import install
from tests.e2e.watching import PROGRAM, Watcher
from tests.screen import Screen
from tests.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

Watch = Callable[..., Watcher]
BEGIN = """\
# First

Something to read.

```shellplay
play> new web
...
in> x=41
```

<!-- play: pause -->

```shellplay
in> echo x is $((x + 1))
x is 42
```
"""
SECOND = """
## Second

<!-- play: pause -->

```shellplay
in> echo second-$((40 + 2))
second-42
```
"""
# At this pace nobody ever sees a line.
SLOW = "<!-- play: type 1000s -->\n"
READABLE = "<!-- play: type 200ms -->\n"


@pytest.fixture
def watch_program(tmp_path: Path) -> Iterator[Watch]:
    """``watch_program(words)`` starts a program in a terminal of its own."""
    opened: list[Watcher] = []

    def start(words: list[str], **how: Any) -> Watcher:  # noqa: ANN401 (passed on)
        opened.append(Watcher(words, tmp_path / f"{len(opened)}.log", **how))
        return opened[-1]

    yield start
    for watcher in opened:
        watcher.close()


@pytest.fixture
def watch(watch_program: Watch, tmp_path: Path) -> Watch:
    """``watch(article, *options)`` replays an article in a terminal, after consent."""

    def start(article: str, *options: str, consent: bool = True, **how: object) -> Watcher:
        given = ["--yes"] if consent else []
        words = [*PROGRAM, "replay", *given, *options, str(write(tmp_path, article))]
        return watch_program(words, **how)

    return start


def write(folder: Path, article: str) -> Path:
    """Write a recipe."""
    path = folder / "a.play.md"
    path.write_text(f"+++\nshellplay = 1\ntitle = 'T'\n+++\n\n{dedent(article)}")
    return path


def test_it_is_told_and_typed_and_a_pause_waits_for_a_key(watch: Watch) -> None:
    watcher = watch(BEGIN, "--speed", "20")
    watcher.sees("First")
    watcher.sees("Something to read.")
    watcher.sees("new web\r\n")
    watcher.sees("x=41\r\n")
    watcher.sees("(Space goes on)")
    watcher.press("?")
    assert "echo" not in watcher.sees("the next heading, the previous one")
    watcher.press("x")
    watcher.sees("step 2/3")
    watcher.press(" ")
    wiped = "\b" * 15 + " " * 15 + "\b" * 15
    assert wiped in watcher.sees("echo x is $((x + 1))\r\n")
    watcher.sees("x is 42\r\n")
    assert watcher.ended() == 0
    assert watcher.modes() == watcher.usual


def test_its_bash_is_taken_over_and_given_back(watch: Watch) -> None:
    watcher = watch(BEGIN, "--speed", "20")
    watcher.sees("x=41\r\n")
    watcher.press("t")
    watcher.sees("web: the bash is yours; Ctrl-] gives it back")
    watcher.press("echo mine-$x-$TERM\r")
    watcher.sees("mine-41-xterm-256color")
    # At its prompt: what is typed ahead of that is shown twice, by the kernel and by bash.
    watcher.press("x=6; echo se''t\r")
    watcher.sees("set\r\n")
    watcher.matches("[#$] ")
    watcher.press("and more that is half")
    watcher.sees("more that is half")
    watcher.press("\x1d")
    watcher.sees("web: given back, the performance goes on")
    watcher.press(" ")
    assert "half" not in watcher.sees("echo x is $((x + 1))\r\n")
    assert "half" not in watcher.sees("x is 7\r\n")
    watcher.sees("line 19: another output came than was expected")
    assert watcher.ended() == 1
    assert watcher.modes() == watcher.usual


def test_keys_that_are_typed_in_one_go_all_get_where_they_belong(watch: Watch) -> None:
    watcher = watch(BEGIN, "--speed", "20")
    watcher.sees("x=41\r\n")
    watcher.press("t")
    watcher.sees("the bash is yours")
    watcher.press("x=6\r\x1d ")
    watcher.sees("x is 7\r\n")
    assert watcher.ended() == 1


def test_a_line_that_is_being_typed_is_there_again_after_a_takeover(watch: Watch) -> None:
    watcher = watch(f"{BEGIN.partition('<!--')[0]}{READABLE}{SECOND}")
    watcher.sees("x=41\r\n")
    watcher.press("n")
    watcher.sees("Second")
    watcher.press(" ")
    watcher.matches(r"# e")
    watcher.press("t")
    watcher.sees("the bash is yours")
    watcher.press("\x1d")
    watcher.sees("given back")
    watcher.matches(r"[$#] echo? ?\S*")
    watcher.press(" ")
    watcher.sees("second-42\r\n")
    assert watcher.ended() == 0


def test_before_there_is_a_bash_none_can_be_taken_over(watch: Watch) -> None:
    watcher = watch("# A\n\n<!-- play: pause -->\n")
    watcher.sees("=\r\n")
    watcher.press("t")
    watcher.sees("there is no live bash yet")
    watcher.press("\r")
    assert watcher.ended() == 0


def test_the_next_heading_and_the_previous_one_are_a_key_away(
    watch: Watch, tmp_path: Path
) -> None:
    count = f"```shellplay\nhost$ echo again >>{tmp_path}/count\n```\n"
    watcher = watch(f"{SLOW}{count}{BEGIN}{SECOND}")
    watcher.matches(r"host\S*\$ ")
    watcher.press("n")
    watcher.sees("First")
    watcher.press("n")
    watcher.sees("x is 42\r\n")
    watcher.sees("------\r\n")
    watcher.press("p")
    assert "Second" not in watcher.sees("First")
    watcher.press("h")
    watcher.sees("1 First")
    watcher.sees("2 Second")
    watcher.press("2\r")
    watcher.sees("x is 42\r\n")
    watcher.sees("Second")
    watcher.press("n")
    watcher.sees("second-42\r\n")
    assert watcher.ended() == 0
    assert (tmp_path / "count").read_text() == "again\n" * 2


def test_it_begins_at_a_heading(watch: Watch) -> None:
    watcher = watch(f"{SLOW}{BEGIN}{SECOND}", "--from", "second")
    watcher.sees("Second")
    watcher.press("q")
    assert watcher.ended() == 130


def close_help(watcher: Watcher, hidden: str) -> None:
    """Look at the help, and go back; the performance has not gone on to ``hidden``."""
    watcher.press("?")
    assert hidden not in watcher.sees("go on at once")
    watcher.press("x")
    assert hidden not in watcher.sees("step ")


def test_step_by_step_each_step_waits_for_a_key(watch: Watch) -> None:
    watcher = watch(BEGIN, "--step", "--speed", "20")
    watcher.matches(r"shellplay\S*> ")
    close_help(watcher, "new web")
    watcher.press(" ")
    watcher.sees("new web\r\n")
    watcher.sees("# ")
    close_help(watcher, "x=41")
    watcher.press("p")
    watcher.sees("First")
    watcher.matches(r"shellplay\S*> ")
    close_help(watcher, "new web")
    watcher.press("s")
    watcher.sees("by itself")
    watcher.press(" ")
    watcher.sees("x=41\r\n")
    watcher.press("q")
    assert watcher.ended() == 130


@pytest.mark.parametrize(
    ("end", "status"),
    [("q", 130), ("\x03", 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_however_it_ends_the_terminal_is_as_it_was(
    watch: Watch, end: str | signal.Signals, status: int
) -> None:
    watcher = watch(BEGIN, "--speed", "20")
    watcher.sees("x=41\r\n")
    assert watcher.modes() != watcher.usual
    family = descendants(watcher.shell.pid)
    assert family
    if isinstance(end, str):
        watcher.press(end)
    else:
        os.kill(watcher.shell.pid, end)
    assert watcher.ended() == status
    assert watcher.modes() == watcher.usual
    assert "Traceback" not in watcher.log.read_text()


def test_an_interrupt_ends_the_step_that_runs_and_all_of_it(watch: Watch) -> None:
    endless = "in> echo go-$((40 + 2)); sleep 1000"
    watcher = watch(BEGIN.replace("in> x=41", f"% timeout: 1000s\n{endless}"), "--speed", "20")
    watcher.sees("go-42")
    watcher.press("\x03")
    assert "x is" not in watcher.sees("interrupted, and everything was ended")
    assert watcher.ended() == 130
    assert watcher.modes() == watcher.usual


@pytest.mark.everyone
def test_a_kill_of_it_leaves_nothing(watch: Watch) -> None:
    article = BEGIN.replace("x=41", "setsid sleep 1000 & x=41")
    watcher = watch(article, "--speed", "20")
    watcher.sees("x=41\r\n")
    # The playground process, the bash and what has left it.
    family = wait_until(
        lambda: found if len(found := descendants(watcher.shell.pid)) > 2 else [], "all"
    )
    os.kill(watcher.shell.pid, signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), "their end")
    assert watcher.ended() == 128 + signal.SIGKILL


def test_a_stranger_is_run_only_after_a_yes(watch: Watch, tmp_path: Path) -> None:
    article = f"```shellplay\nhost$ touch {tmp_path}/done\n```\n"
    for answer, done in (("n", False), ("", False), ("y", True)):
        watcher = watch(article, "--speed", "20", consent=False)
        shown = watcher.sees("Run it? [y/N] ")
        assert re.search(rf"line 7  host\$ touch {tmp_path}/done", shown)
        watcher.press(f"{answer}\r")
        assert watcher.ended() == (0 if done else 1)
        assert (tmp_path / "done").exists() is done


def test_a_recipe_comes_through_a_pipe_and_the_keys_from_the_terminal(
    watch_program: Watch, tmp_path: Path
) -> None:
    path = write(tmp_path, BEGIN)
    line = f"cat {path} | exec {shlex.join(PROGRAM)} replay --yes --speed 20 -"
    watcher = watch_program(["/bin/sh", "-c", line])
    watcher.sees("x=41\r\n")
    watcher.press("t")
    watcher.sees("the bash is yours")
    watcher.press("\x1d")
    watcher.sees("given back")
    watcher.press(" ")
    watcher.sees("x is 42\r\n")
    assert watcher.ended() == 0


def test_a_recipe_is_replayed_by_its_name_alone(watch_program: Watch, tmp_path: Path) -> None:
    watcher = watch_program([*PROGRAM, str(write(tmp_path, BEGIN))])
    watcher.sees("Run it? [y/N] ")
    watcher.press("\r")
    assert watcher.ended() == 1


@pytest.mark.parametrize("how", [{"columns": 20}, {"columns": 20, "more": {"NO_COLOR": "1"}}])
def test_prose_fits_a_narrow_terminal(watch: Watch, how: dict[str, object]) -> None:
    prose = "Some words that do not fit into one line of it, and `code` and *more* of them."
    watcher = watch(f"# A heading of many words\n\n{prose}\n", "--speed", "50", **how)
    assert watcher.ended() == 0
    shown = watcher.log.read_text()
    lines = [line.rstrip("\r") for line in shown.split("all keys", 1)[1].splitlines()]
    assert ("\x1b" in shown) is ("more" not in how)
    assert not [line for line in lines if len(re.sub(r"\x1b\[[0-9;]*m", "", line)) > 20]
    assert "words" in shown


def test_a_session_is_not_touched_by_a_replay_in_it(web: Terminal, tmp_path: Path) -> None:
    path = write(tmp_path, BEGIN)
    web.run("in x=mine")
    web.send(f"replay --yes --speed 20 {path}\r")
    web.expect("x=41\r\n")
    web.send("t")
    web.expect("the bash is yours")
    web.send("echo theirs-$x\r")
    web.expect("theirs-41")
    web.send("\x1d")
    web.expect("given back")
    web.send(" ")
    web.expect("x is 42\r\n")
    web.ready()
    assert web.run("in echo $x") == (0, "mine\n")
    status, said = web.run(f"replay --yes --from nowhere {path}")
    assert (status, "has no heading 'nowhere'" in " ".join(said.split())) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_replay_ends_with_its_session(
    watch_program: Watch, tmp_path: Path, number: signal.Signals
) -> None:
    # Below a shell: its terminal goes on, and so hangs up nobody.
    line = f"{shlex.join(PROGRAM)} --no-config --plain; echo status-$?; read -r line"
    watcher = watch_program(["/bin/sh", "-c", line])
    watcher.sees("shellplay>")
    watcher.press(f"replay --yes --speed 20 {write(tmp_path, BEGIN)}\r")
    watcher.sees("x=41\r\n")
    session, *family = descendants(watcher.shell.pid)
    assert len(family) > 2
    os.kill(session, number)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), "their end")
    watcher.sees(f"status-{128 + number}")
    watcher.press("\r")
    assert watcher.ended() == 0


@pytest.fixture
def shipping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the program started from a place where recipes come with it."""
    install(tmp_path, "recipes", checkout=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("shipping")
def test_the_tour_is_offered_to_who_is_new_and_only_once(
    open_screen: Callable[..., tuple[Terminal, Screen]],
) -> None:
    terminal, screen = open_screen(new=True)
    screen.shows("New here?", "tour    a 3-minute introduction", "─ host ")
    terminal.send("tour\r")
    screen.shows("$ echo shipped")
    terminal.ready()
    _, screen = open_screen(new=True)
    screen.shows("no container yet: new starts one, help")
    assert "tour" not in screen.text


@pytest.mark.usefixtures("shipping")
def test_a_program_that_drives_it_is_not_offered_the_tour(
    open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = open_terminal(environment={"XDG_STATE_HOME": str(tmp_path)})
    assert " first " in terminal.run("recipes")[1]
    terminal.shell.logfile_read.flush()
    assert "tour" not in Path(terminal.shell.logfile_read.name).read_text()
    assert not (tmp_path / "shellplay" / "welcomed").exists()
