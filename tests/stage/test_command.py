"""``shellplay test``: what it says, in which form, and with which status it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.repl.program import environment
from tests.stage.recipes import program, write
from tests.waiting import wait_until

OK = "host$ echo a\na\n"
WRONG = "host$ echo a\nb\n"
ENDLESS = "% timeout: 200ms\nhost$ sleep 1000\n"


@pytest.mark.parametrize(
    ("block", "header", "status"),
    [
        (OK, {}, 0),
        (WRONG, {}, 1),
        ("nonsense\n", {}, 2),
        (OK, {"needs": '{ all = ["rooot"] }'}, 2),
        (OK, {"programs": '["no-such-program"]'}, 80),
        (OK, {"kernel": '">=99"'}, 80),
        (ENDLESS, {}, 124),
    ],
)
def test_the_exit_status_says_how_it_went(
    tmp_path: Path, block: str, header: dict[str, str], status: int
) -> None:
    path = write(tmp_path, "a", block, **header)
    done = program("test", path)
    assert done.returncode == status, done.stdout + done.stderr
    assert str(path) in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_worst_of_many_decides_and_a_skipped_one_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, "ok", OK)
    write(tmp_path, "skipped", OK, programs='["no-such-program"]')
    assert program("test", tmp_path).returncode == 0
    write(tmp_path, "wrong", WRONG)
    assert program("test", tmp_path).returncode == 1
    write(tmp_path, "bad", "nonsense\n")
    done = program("test", tmp_path, "-j", 3)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1].startswith("4 recipes: 1 passed, 1 differed, 1 bad")


def test_a_failure_tells_all_there_is_to_know(tmp_path: Path) -> None:
    block = (
        "play> new web\nweb: bash started (PID <pid:B>), nothing fenced yet\nin> echo a\nb\n"
    )
    path = write(tmp_path, "a", block)
    said = program("test", path).stdout
    assert f"{path}:10: another output came than was expected" in said
    lines = [line.strip() for line in said.splitlines()]
    at = lines.index("in> echo a")
    assert lines[at + 1 : at + 3] == ["-b", "+a"]
    assert any(line.startswith("B=") and line.endswith("from line 9") for line in lines)
    terminal = lines[lines.index("the terminal of web ends in:") + 1]
    assert r"echo a\r\na\r\n" in terminal


def test_a_recipe_runs_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "a", OK)
    assert program("a.play.md", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("arguments", [["nothing"], ["."], ["--tap", "--json", "."], []])
def test_wrong_usage_is_said_in_a_sentence(tmp_path: Path, arguments: list[str]) -> None:
    done = program("test", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_names_are_chosen_and_the_first_failure_can_end_it(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        write(tmp_path, name, WRONG, tags=f'["tag-{name}"]')
    assert program("test", "-k", "two or tag-one", tmp_path).stdout.count("FAILED") == 2
    assert program("test", "-k", "not (two or one)", tmp_path).stdout.count("FAILED") == 1
    assert program("test", "-x", tmp_path).stdout.count("FAILED") == 1
    assert program("test", "-k", "(two", tmp_path).returncode == 2
    assert program("test", "-k", "four", tmp_path).returncode == 2


def test_several_are_performed_at_once(tmp_path: Path) -> None:
    # Each waits for the file that the other one makes.
    gates = [tmp_path / "first", tmp_path / "second"]
    for mine, other in (gates, reversed(gates)):
        block = f"host$ touch {mine}; until [ -e {other} ]; do sleep 0.01; done\n"
        write(tmp_path, mine.name, block, timeout='"60s"')
    assert program("test", "-j", 2, tmp_path).returncode == 0


def test_tap_is_valid(tmp_path: Path) -> None:
    write(tmp_path, "1-ok", OK)
    write(tmp_path, "2-wrong", WRONG)
    write(tmp_path, "3-skipped", OK, programs='["no-such-program"]')
    lines = program("test", "--tap", tmp_path).stdout.splitlines()
    assert lines[:3] == ["TAP version 14", "1..3", f"ok 1 - {tmp_path}/1-ok.play.md"]
    results = [line for line in lines[2:] if not line.startswith("#")]
    assert results[1] == f"not ok 2 - {tmp_path}/2-wrong.play.md"
    assert results[2].endswith("3-skipped.play.md # SKIP there is no no-such-program")


def test_json_has_everything(tmp_path: Path) -> None:
    write(tmp_path, "a", WRONG, title='"A title"')
    found = json.loads(program("test", "--json", tmp_path).stdout)
    assert (found["shellplay"], found["kind"]) == (1, "test")
    (one,) = found["recipes"]
    assert (one["verdict"], one["title"], one["line"]) == ("differed", "A title", 9)
    assert one["steps"][0]["difference"] == ["-b", "+a"]


def test_junit_is_valid_also_with_strange_characters(tmp_path: Path) -> None:
    write(tmp_path, "a", OK)
    write(tmp_path, "b", "host$ printf '\\001<&\\356]]>\\n'\nb\n")
    write(tmp_path, "c", OK, programs='["no-such-program"]')
    write(tmp_path, "d", "nonsense\n")
    report = tmp_path / "report.xml"
    program("test", "--junit", report, tmp_path)
    suites = ElementTree.parse(report).getroot()
    numbers = {name: suites.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    cases = suites.findall("./testsuite/testcase")
    inner = [[child.tag for child in case] for case in cases]
    assert inner == [[], ["failure"], ["skipped"], ["error"]]
    assert "+" in (cases[1][0].text or "")


def test_casts_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, "a", f"play> new web\n...\n{OK}")
    cast, page, picture = (tmp_path / f"a.{kind}" for kind in ("cast", "html", "svg"))
    done = program("test", "--cast", cast, "--html", page, "--svg", picture, path)
    assert done.returncode == 0, done.stdout
    header, *events = map(json.loads, cast.read_text().splitlines())
    assert header["version"] == 3
    assert "A title" in [text for _, code, text in events if code == "m"]
    assert [code for _, code, _ in events][-1] == "x"
    assert "nothing fenced yet" in page.read_text()
    assert "nothing fenced yet" in ElementTree.parse(picture).getroot().findtext(
        "*[@id='text']", ""
    )


def test_a_cast_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "a", OK)
    for option in ("--cast", "--html", "--svg"):
        done = program("test", option, tmp_path / "no" / "such", path)
        assert done.returncode == 2
        assert "no/such cannot be written: No such file or directory" in done.stdout
    write(tmp_path, "b", OK)
    assert program("test", "--cast", tmp_path / "c", tmp_path).returncode == 2


def test_an_interrupt_ends_everything(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    block = f"play> new web\n...\nin> setsid sleep 1000 & touch {gate}; sleep 1000\n"
    for name in ("a", "b"):
        write(tmp_path, name, block, timeout='"60s"')
    with subprocess.Popen(
        [sys.executable, "-m", "shellplay", "test", "-j", "2", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        wait_until(gate.exists, "the recipes to run", timeout=60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "shellplay: test: interrupted, and everything was ended\n"


def test_colours_only_where_they_are_wanted(tmp_path: Path) -> None:
    path = write(tmp_path, "a", WRONG)
    assert "\x1b" not in program("test", path).stdout
    reader, writer = os.openpty()
    for no_color, wanted in (("", True), ("1", False)):
        variables = {**environment(), "TERM": "xterm-256color", "NO_COLOR": no_color}
        words = [sys.executable, "-m", "shellplay", "test", str(path)]
        subprocess.run(words, stdout=writer, env=variables, check=False, timeout=60)
        assert (b"\x1b[31m" in os.read(reader, 65536)) is wanted
    os.close(reader)
    os.close(writer)


def test_who_needs_no_recipe_does_not_wait_for_them_to_load() -> None:
    script = (
        "import sys; sys.argv[1:] = ['-c', 'containers']; from shellplay.__main__ import main; "
        "main(); sys.exit(any(name.startswith('shellplay.stage') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", ["test", "bless"])
def test_each_verb_has_help(verb: str) -> None:
    done = program(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: shellplay {verb} ")
    assert verb in program("--help").stdout
