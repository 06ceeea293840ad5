"""Recording: a session writes itself down as a recipe that passes its own test."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.errors import Refused
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Actor
from shellplay.recipe.parse import parse
from shellplay.recipe.write import write
from shellplay.stage.record.values import last_pid
from shellplay.stage.report.report import Verdict
from tests.repl.program import environment
from tests.stage.recipes import program
from tests.stage.recording import Recorded, expected, performed, recording
from tests.waiting import wait_until

STORY = [
    "# One bash, and what can be seen of it.",
    "new web",
    "in echo $$; tty; hostname; uname -r; pwd; date",
    "in sleep 1000 &",
    "in ps; ps -ef",
    "in ls -l /proc/self/ns/net .",
    "spawn sleep 1000",
    "ps; ps host; tree; fences",
    "ps -l; ps host -l; stats; stats --watch 0.1 --count 2",
    "## Behind fences",
    "fence uts",
    "fence pid",
    "fence mnt",
    "in echo $$ $BASHPID; sleep 1000 & echo $!",
    "in ps -ef",
    "ps host; tree; fences; inspect; containers",
    "exec echo beside",
    "!echo $PPID; exit 3",
    "new; in echo other",
    "use web",
    "peel all --force",
    "logs; doctor; set",
    "stop web",
    "bogus",
]


# More than all performances of it start.
ENOUGH_PIDS = 3000


def await_new_pids() -> None:
    """See to it that PIDs do not begin anew meanwhile: a list has another order then."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    while last_pid() > most - ENOUGH_PIDS:
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


@pytest.mark.slow
@pytest.mark.everyone
@pytest.mark.usefixtures("who")
def test_a_fresh_recording_passes_ten_times_in_a_row(tmp_path: Path) -> None:
    await_new_pids()
    path = tmp_path / "story.play.md"
    lines = [word for line in STORY for word in ("-c", line)]
    program("record", path, "--keep-going", *lines)
    assert len(list(parse(path.read_text()).steps)) == 36
    for number in range(10):
        shutil.copy(path, tmp_path / f"{number}.play.md")
    done = program("test", tmp_path, "-j", 2)
    assert (done.returncode, "11 passed" in done.stdout) == (0, True), done.stdout


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Recorded]:
    """A session that is being recorded."""
    with recording(tmp_path / "a.play.md") as found:
        yield found


@pytest.mark.root
def test_equal_values_have_equal_names_also_in_commands(session: Recorded) -> None:
    session.run("new web", "in sleep 1000 & echo $!")
    (job,) = session.container.jobs()
    session.run("ps host", f"in kill -0 {job.pid}; echo {job.pid}", f"kill {job.pid}")
    new, spawned, host, zero, kill = session.steps
    (bash,) = re.findall("<pid:(B1)>", expected(new)[0])
    assert expected(spawned) == ["[1] <pid:P1>", "<pid:P1>"]
    row = next(line for line in expected(host) if "sleep" in line)
    assert re.match(rf" *<pid:P1> +<pid:{bash}> ", row)
    # Who has started us is not who will perform it.
    assert any(re.match(r" *<pid:P\d> +<int> .* repl +<[.]{3}>", x) for x in expected(host))
    assert zero.text == "kill -0 <pid:P1>; echo <pid:P1>"
    assert kill.text == "kill <pid:P1>"
    assert expected(kill) == ["web: SIGTERM sent to <pid:P1>"]
    assert str(job.pid) not in session.path.read_text()
    assert performed(session.recipe).verdict is Verdict.PASSED


@pytest.mark.root
def test_numbers_that_count_are_no_pids(session: Recorded) -> None:
    session.run("new web")
    pid = session.container.pid
    session.run(f"in seq $(({pid}0/10-2)) $(({pid}0/10+2)); : $$")
    assert expected(session.steps[-1]) == [str(pid + each) for each in range(-2, 3)]


@pytest.mark.root
def test_what_the_filesystem_and_the_machine_decide_is_tagged(session: Recorded) -> None:
    session.run("new", "in touch one; ls -la; ls -l", "in uname -m; echo $HOSTTYPE-x")
    session.run("in date +%Z; date +%z; uptime")
    listed, machine, day = session.steps[1:]
    assert [re.sub(" +", " ", line) for line in expected(listed)] == [
        "total <word>",
        "drwxr-xr-x <num> <user:U1> <user:U1> <word> <...> .",
        "<...> ..",
        "-rw-r--r-- <num> <user:U1> <user:U1> <word> <...> one",
        "total <word>",
        "-rw-r--r-- <num> <user:U1> <user:U1> <word> <...> one",
    ]
    assert expected(machine) == ["<word>", f"{platform.machine()}-x"]
    assert expected(day) == ["<...>", "<...>", " <time> <...>"]
    assert performed(session.recipe).verdict is Verdict.PASSED


@pytest.mark.root
def test_what_others_start_meanwhile_is_not_expected(session: Recorded, tmp_path: Path) -> None:
    go, there = tmp_path / "go", tmp_path / "there"
    program = (
        # It waits for them: its orphans could be ours.
        "trap 'kill $(jobs -p); wait' EXIT; (exec -a /some/where/ sleep 1000) & "
        f"(exec -a ps sleep 1000) & touch {there}; read -r end"
    )
    strangers: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        wait_until(go.exists)
        command = ["bash", "-c", program]
        strangers.append(subprocess.Popen(command, stdin=subprocess.PIPE))

    session.run("new web")
    beside = threading.Thread(target=start)
    beside.start()
    session.run(f"in 'touch {go}; until [ -e {there} ]; do :; done; ps -ef'")
    beside.join()
    strangers[0].communicate()
    rows = expected(session.steps[-1])
    assert [row for row in rows if row.endswith(" ps -ef")]
    assert not [row for row in rows if row.endswith((" /some/where/ 1000", " ps 1000"))]


def test_what_looks_like_syntax_is_output(session: Recorded) -> None:
    session.run("new", r"in printf '\n[0]\n# x\n...\n<pid>\nx (re)\nplay> y\n```\n\n'")
    assert expected(session.steps[-1]) == [
        *("", "[0] (lit)", "# x (lit)", "... (lit)", "<pid> (lit)", "x (re) (lit)"),
        *("play> y (lit)", "``` (lit)", "(lit)"),
    ]
    assert performed(session.recipe).verdict is Verdict.PASSED


@pytest.mark.root
def test_failures_lines_and_remarks_are_what_they_were(session: Recorded) -> None:
    session.run(
        *("new", "in (exit 7)", "in if ;", "!exit 4", "use nobody", "fence 'x", "# a # b"),
        *("## Two", "in 'for i in 1 2; do\necho $i; done'", "in echo x (lit)", "record"),
    )
    found = [(step.actor, step.text, step.status) for step in session.steps]
    assert found == [
        (Actor.PLAY, "new", 0),
        (Actor.IN, "(exit 7)", 7),
        (Actor.IN, "if ;", 2),
        (Actor.HOST, "exit 4", 4),
        (Actor.PLAY, "use nobody", 1),
        (Actor.PLAY, "fence 'x", 2),
        (Actor.IN, "for i in 1 2; do\necho $i; done", 0),
        (Actor.IN, "echo x (lit) ", 2),
    ]
    assert session.prose == ["# a", "a # b\n\n## Two"]
    assert performed(session.recipe).verdict is Verdict.PASSED


@pytest.mark.root
def test_a_container_without_a_name_is_known_by_the_name_that_it_got(
    session: Recorded,
) -> None:
    session.run("new", "new web", "containers")
    session.run("use box1", "in -c box1 echo a", "in -c web echo b")
    use, one, other = session.steps[3:]
    assert use.text == "use box1"
    assert (one.actor, one.container, one.text) == (Actor.IN, None, "echo a")
    assert (other.actor, other.container, other.text) == (Actor.IN, "web", "echo b")
    assert performed(session.recipe).verdict is Verdict.PASSED


@pytest.mark.root
def test_the_file_is_whole_and_canonical_after_every_step(session: Recorded) -> None:
    for number, line in enumerate(["new web", "in echo a", "in false", "ps host"], 1):
        session.run(line)
        assert len(session.steps) == number
        assert write(session.recipe) == session.path.read_text()


@pytest.mark.root
def test_kill_9_leaves_every_complete_step(tmp_path: Path) -> None:
    path = tmp_path / "a.play.md"
    process = subprocess.Popen(
        [sys.executable, "-m", "shellplay", "record", "--plain", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    with process:
        assert process.stdin is not None
        process.stdin.write(b"new web\nin echo a\nin seq 5000\nin sleep 1000\n")
        process.stdin.flush()
        wait_until(lambda: path.exists() and "\n5000\n" in path.read_text())
        process.send_signal(signal.SIGKILL)
    found = parse(path.read_text(), str(path))
    assert [step.text for step in found.steps] == ["new web", "echo a", "seq 5000"]
    assert performed(found).verdict is Verdict.PASSED


@pytest.mark.root
def test_an_interrupted_line_is_keys_that_can_be_pressed_again(tmp_path: Path) -> None:
    path = tmp_path / "a.play.md"
    process = subprocess.Popen(
        [sys.executable, "-m", "shellplay", "record", "--plain", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("new\nin sh -c 'echo go; exec sleep 1000'\n")
        process.stdin.flush()
        while "go" not in process.stdout.readline():
            continue
        process.send_signal(signal.SIGINT)
        process.stdin.write("in echo after\nquit\n")
        process.stdin.close()
        assert "4 steps" not in process.stdout.read()
    found = parse(path.read_text(), str(path))
    assert [(step.actor, step.text) for step in found.steps][1:] == [
        (Actor.KEY, "\"sh -c 'echo go; exec sleep 1000'\" Enter"),
        (Actor.KEY, "C-c"),
        (Actor.IN, ":"),
        (Actor.IN, "echo after"),
    ]
    assert performed(found).verdict is Verdict.PASSED


def test_a_file_is_not_replaced_unless_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.play.md"
    path.write_text("mine")
    done = program("record", path, "-c", "help")
    assert (done.returncode, path.read_text()) == (1, "mine")
    assert "is there already (--force replaces it)" in done.stderr
    assert program("record", path, "--force", "-c", "help").returncode == 0
    assert "play> help" in path.read_text()
    done = program("record", tmp_path / "no" / "where.play.md", "-c", "help")
    assert done.returncode == 2
    assert "cannot be written: No such file or directory" in done.stderr


def test_what_cannot_be_cast_leaves_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.play.md"
    done = program("record", path, "--cast", tmp_path / "no" / "a.cast", "-c", "help")
    assert (done.returncode, path.exists()) == (2, False)
    assert "a.cast cannot be written: No such file or directory" in done.stderr


@pytest.mark.root
def test_a_recording_begins_before_the_first_container_and_ends_once(tmp_path: Path) -> None:
    path = tmp_path / "a.play.md"
    with Playground() as playground:
        session = Recorded(playground, path)
        with pytest.raises(Refused, match="nothing is being recorded"):
            session.recorder.stop()
        playground.new("web")
        assert session.run(f"record start {path}") == 1
        assert "begins before the first container" in session.shown.getvalue()
        assert session.run("stop web", f"record start {path}", "set live off", "new") == 0
        assert session.run("record start again") == 1
        assert session.run("record stop", "in echo unheard", "!echo here") == 0
        assert session.run("record stop") == 1
    texts = [step.text for step in session.steps]
    assert texts == ["set live off", "new"]
    assert f"{path}: 2 steps" in session.shown.getvalue()


@pytest.mark.root
def test_casts_of_a_session_are_written_beside_it(tmp_path: Path) -> None:
    names = {each: str(tmp_path / f"a.{each}") for each in ("cast", "html", "svg")}
    options = [word for each in names for word in (f"--{each}", names[each])]
    said = ("## Part", "new web", "in echo to-be-seen", "!echo host-too")
    lines = [word for line in said for word in ("-c", line)]
    done = program("record", tmp_path / "a.play.md", *options, *lines)
    assert done.returncode == 0, done.stderr
    for name in names.values():
        content = Path(name).read_text()
        assert "to-be-seen" in content.replace("&#45;", "-"), name
    assert "host-too" in Path(names["cast"]).read_text()
    assert "Part" in Path(names["cast"]).read_text()
