"""``shellplay replay`` without a terminal: what it says, its status, its casts, its memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.cast.events import Event, Heading, Output, Pause, Prompt, Typed
from shellplay.cmdline.printer import Printer
from shellplay.recipe.parse import parse
from shellplay.stage.perform.capture import MAX_PART
from shellplay.stage.perform.performance import Performance
from shellplay.stage.perform.stage import BoundedText, Stage
from shellplay.stage.show.keyboard import Keyboard
from shellplay.stage.show.player import Show, ShowOptions, StartOver
from tests.repl.program import environment
from tests.stage.recipes import program, recipe, text, write

OK = "host$ echo a\na\n"
WRONG = "host$ echo a\nb\nhost$ echo next\nnext\n"


@pytest.mark.parametrize(
    ("block", "header", "status"),
    [
        (OK, {}, 0),
        (WRONG, {}, 1),
        ("% timeout: 200ms\nhost$ sleep 1000\n", {}, 1),
        ("nonsense\n", {}, 2),
        ("% only: rooot\nhost$ echo a\na\n", {}, 2),
        (OK, {"programs": '["no-such-program"]'}, 80),
        ("% skip: not today\nhost$ echo a\na\n", {}, 80),
    ],
)
def test_the_exit_status_says_how_it_went(
    tmp_path: Path, block: str, header: dict[str, str], status: int
) -> None:
    done = program("replay", "--yes", write(tmp_path, "a", block, **header))
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_terminal_it_is_plain_text_without_pauses(tmp_path: Path) -> None:
    path = tmp_path / "a.play.md"
    pauses = "<!-- play: pause -->\n<!-- play: pause 1000s -->\n<!-- play: type 100s -->\n"
    clear = "<!-- play: clear -->\n"
    path.write_text(
        text("% pause: 1000s\nhost$ printf 'a\\033[31mb\\n'\nab\n") + pauses + clear
    )
    done = program("replay", "--yes", path)
    assert done.stdout.splitlines() == [
        "A title",
        "=======",
        "",
        "host$ printf 'a\\033[31mb\\n'",
        "ab",
    ]
    assert done.stderr == ""


def test_what_differs_is_said_in_a_line_and_it_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path, "a", WRONG)
    lines = program("replay", "--yes", path).stdout.splitlines()
    at = lines.index("a")
    assert lines[at + 1 : at + 3] == [
        "line 8: another output came than was expected",
        "host$ echo next",
    ]


def test_what_differs_still_binds_its_names_for_the_steps_behind_it(tmp_path: Path) -> None:
    line = "web: bash started (PID <pid:B>), little fenced"
    block = f"play> new web\n{line}\nhost$ kill -0 <pid:B>\n"
    done = program("replay", "--yes", write(tmp_path, "a", block))
    assert done.returncode == 1
    assert done.stdout.count("line ") == 1


def test_unmet_needs_are_said(tmp_path: Path) -> None:
    path = write(tmp_path, "a", OK, programs='["no-such-program"]')
    said = program("replay", path).stderr
    assert said == f"{path}: it cannot be performed here: there is no no-such-program\n"


@pytest.mark.everyone
def test_what_is_for_others_is_left_out_in_silence(tmp_path: Path, who: str) -> None:
    block = "% only: root\nhost$ echo root\nroot\n% only: ordinary\nhost$ echo plain\nplain\n"
    done = program("replay", "--yes", write(tmp_path, "a", block))
    mine = "root" if who == "root" else "plain"
    assert done.stdout.endswith(f"\n\nhost$ echo {mine}\n{mine}\n")
    assert "needs" not in done.stdout
    assert done.returncode == 0


def test_hidden_parts_are_performed_and_not_shown(tmp_path: Path) -> None:
    hide, show = "<!-- play: hide -->\n", "\nNever seen.\n\n<!-- play: show -->\n"
    path = tmp_path / "a.play.md"
    shown = "```shellplay\nhost$ echo seen\nseen\n```\n"
    secret = f"```shellplay\nhost$ echo hidden; touch {tmp_path}/made\nhidden\n```\n"
    path.write_text(f"+++\nshellplay = 1\n+++\n\n{hide}{secret}{show}{shown}")
    done = program("replay", "--yes", path)
    assert done.returncode == 0
    assert done.stdout == "host$ echo seen\nseen\n"
    assert (tmp_path / "made").exists()


def test_a_recipe_comes_from_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shellplay", "replay", "--yes", "-"],
        input=text(OK),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.endswith("host$ echo a\na\n")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such"], 'no recipe is called "no-such" (recipes lists those there are)'),
        (["/dev/zero"], "it has more than 10000000 bytes"),
        (["./no-such.play.md"], "it cannot be read: No such file or directory"),
        (["--from", "nowhere", "a.play.md"], "a.play.md has no heading 'nowhere' (A title)"),
        (["--speed", "0", "a.play.md"], "invalid"),
        (["--yes", "--cast", "no/a.cast", "a.play.md"], "no/a.cast cannot be written"),
        (["--yes", "--svg", "no/a.svg", "a.play.md"], "no/a.svg cannot be written"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    write(tmp_path, "a", OK)
    done = program("replay", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_casts_are_written_with_their_pauses(tmp_path: Path) -> None:
    path = write(tmp_path, "a", f"% pause: 7s\n{OK}play> new web\n...\n")
    files = [tmp_path / f"a.{kind}" for kind in ("cast", "html", "svg")]
    options = zip(("--cast", "--html", "--svg"), files, strict=True)
    done = program("replay", "--yes", *(word for pair in options for word in pair), path)
    assert done.returncode == 0, done.stderr
    header, *events = map(json.loads, files[0].read_text().splitlines())
    assert header["version"] == 3
    assert max(interval for interval, _, _ in events) > 7
    assert all("nothing fenced yet" in file.read_text() for file in files[1:])
    again = program("replay", "--yes", "--cast-version", 2, "--cast", files[0], path)
    assert again.returncode == 0
    assert json.loads(files[0].read_text().partition("\n")[0])["version"] == 2


def test_who_jumps_back_keeps_the_speed_and_the_steps() -> None:
    out = io.StringIO()
    master, slave = os.openpty()
    keyboard = Keyboard(slave)
    keyboard.give_back(b"s++p")
    show = Show(Printer(out, out, color=False), keyboard, ShowOptions())
    with keyboard:
        show(Heading(0.0, "One"))
        with pytest.raises(StartOver) as again:
            show(Pause(0.0))
    for fd in (master, slave):
        os.close(fd)
    assert (again.value.heading, again.value.options) == (1, ShowOptions(2.25, by_step=True))


def test_directions_become_events() -> None:
    directions = ("pause 2s", "clear", "type 40ms", "hide", "show")
    lines = "\n".join(f"<!-- play: {each} -->" for each in directions)
    article = parse(f"+++\nshellplay = 1\n+++\n\n{lines}\n\n```shellplay\n{OK}```\n")
    events: list[Event] = []
    with Stage(article.header, [events.append]) as stage:
        Performance(article, stage).run()
    kinds = [type(event) for event in events]
    assert kinds == [Pause, Output, Prompt, Typed, Output]
    assert isinstance(events[0], Pause)
    assert events[0].seconds == 2
    assert isinstance(events[3], Typed)
    assert events[3].pace == 0.04


def test_a_heading_is_told_also_where_all_else_is_hidden() -> None:
    article = parse("+++\nshellplay = 1\n+++\n\n<!-- play: hide -->\n\n# A\n\nprose\n")
    events: list[Event] = []
    with Stage(article.header, [events.append]) as stage:
        Performance(article, stage).run()
    assert [type(event) for event in events] == [Heading]


def test_a_demonstration_keeps_nothing() -> None:
    reports: list[object] = []
    with Stage() as stage:
        performance = Performance(recipe(WRONG), stage, on_report=reports.append)
        report = performance.run()
    assert len(reports) == 2
    assert (report.steps, performance.outputs, performance.known) == ((), {}, {})


def memory_of(path: Path) -> int:
    """Replay a recipe, and return the most memory that its process had, in bytes."""
    script = (
        "import resource, sys; from shellplay.cli.replay import main; "
        "status = main(['--yes', sys.argv[1]]); sys.stderr.write("
        "f'{status} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
        check=False,
        timeout=280,
    )
    status, size = map(int, done.stderr.split())
    assert status == 0
    return size


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_memory_does_not_grow_with_the_length_of_a_recording(tmp_path: Path) -> None:
    # Each of its steps prints 32 KiB, and there are 25 times as many of them.
    begin, line = "play> new web\n...\n", f"in> printf '%032768d\\n' 0\n{'0' * 20}<...>\n"
    sizes = [
        memory_of(write(tmp_path, str(steps), begin + line * steps, timeout='"60s"'))
        for steps in (50, 1250)
    ]
    # All that they print is 40 MB; what stays is the article itself.
    assert sizes[1] - sizes[0] < 3 << 20, sizes


@pytest.mark.slow
def test_memory_does_not_grow_with_an_endless_output(tmp_path: Path) -> None:
    block = "play> new web\n...\nin> head -c {size} /dev/zero | tr '\\0' x | fold -w 79\n...\n"
    sizes = [
        memory_of(write(tmp_path, str(size), block.format(size=size), timeout='"100s"'))
        for size in (1 << 20, 40 << 20)
    ]
    assert sizes[1] - sizes[0] < 64 << 20, sizes


def test_of_an_endless_output_the_begin_and_the_end_are_compared() -> None:
    seen = BoundedText()
    for piece in ("begin\n", "x" * MAX_PART, "y" * MAX_PART, "z" * MAX_PART, "end\n"):
        seen.add(piece)
    assert seen.text.startswith("begin\nxxx")
    assert seen.text.endswith("zzzend\n")
    assert "\n[...]\n" in seen.text
    assert len(seen.text) < 4 * MAX_PART


def test_a_name_finds_the_recipe_that_record_has_written_under_it(tmp_path: Path) -> None:
    write(tmp_path, "demo", OK)
    done = program("replay", "--yes", "demo", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "a")
    done = program("test", "demo", cwd=tmp_path)
    assert (done.returncode, "demo.play.md" in done.stdout) == (0, True)
    done = program("test", "other", cwd=tmp_path)
    assert (done.returncode, "there is no other" in done.stderr) == (2, True)
