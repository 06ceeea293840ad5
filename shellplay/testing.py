"""A pytest plugin: it runs recipes as tests, and gives your own tests a playground.

It collects ``*.play.md`` of projects that ask for it in their ini file, and has two fixtures.
``playground`` is the engine in the process of the test.  ``playground_terminal`` is the real
program in a terminal; the test waits for its prompt marks and never for a time.
docs/testing.md has complete examples.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import pexpect
    from pytest_pexpect import Pexpect

    from shellplay.playground.playground import Playground
    from shellplay.stage.report.report import Report

PACKAGE_ROOT = str(Path(__file__).parent.parent)
SUFFIX = ".play.md"
OPT_IN = "shellplay_recipes"
TIMEOUT_SECONDS = 30
# Environment variables that would change the output of the program.
REMOVED_VARIABLES = (
    "COLUMNS",
    "LINES",
    "PS1",
    "PROMPT_COMMAND",
    "PYTHONWARNINGS",
    "SHELLPLAY_PROMPT",
)


# -- recipes ----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting by which a project says that its recipes are tests."""
    parser.addini(OPT_IN, f"collect *{SUFFIX}", type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> RecipeFile | None:
    """Return a collector for a recipe that the user wants to run, None for any other file.

    pytest loads this plugin in every project that shares its environment with shellplay, and
    a recipe runs programs on the host.  So the ini file asks for recipes, or the command line
    names the file.
    """
    wanted = parent.config.getini(OPT_IN) or parent.session.isinitpath(file_path)
    if not (wanted and file_path.name.endswith(SUFFIX)):
        return None
    return RecipeFile.from_parent(parent, path=file_path)


class RecipeFile(pytest.File):
    """A file with one recipe."""

    def collect(self) -> Iterable[RecipeItem]:
        """Yield the only test of the file."""
        yield RecipeItem.from_parent(self, name=self.path.name.removesuffix(SUFFIX))


class RecipeItem(pytest.Item):
    """A recipe as a test; a process of its own performs it in a new playground."""

    def runtest(self) -> None:
        """Perform the recipe; raises RecipeFailed."""
        from shellplay.errors import RecipeError
        from shellplay.stage.recipe_files import read
        from shellplay.stage.report.report import Verdict
        from shellplay.stage.worker.pool import perform_all
        from shellplay.stage.worker.process import Task

        try:
            source = read(self.path)
        except RecipeError as error:
            raise RecipeFailed(str(error)) from None
        for _, done in perform_all([Task(source.recipe)]):
            if done.report.verdict is Verdict.SKIPPED:
                pytest.skip(done.report.reason)
            if done.report.failed:
                raise RecipeFailed.of(done.report)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ANN401 (passed on)
    ) -> Any:  # noqa: ANN401 (as pytest has it)
        """Return the report of the recipe instead of a traceback."""
        if isinstance(excinfo.value, RecipeFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the path and the name of the recipe."""
        return self.path, None, self.name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Replace this file by the recipe as the location of a skip."""
    report = yield
    if isinstance(item, RecipeItem) and isinstance(report.longrepr, tuple):
        report.longrepr = (str(item.path), 1, report.longrepr[2])
    return report


class RecipeFailed(Exception):
    """The output of a recipe is not as expected; the text is the report."""

    @classmethod
    def of(cls, report: Report) -> RecipeFailed:
        """Return the exception for a report."""
        from shellplay.stage.report.text import explain

        return cls(explain(report))


# -- the engine -------------------------------------------------------------------------------


@pytest.fixture
def playground() -> Iterator[Playground]:
    """A playground in the process of the test; after the test all its processes are killed."""
    from shellplay.playground.playground import Playground

    with Playground() as running:
        yield running


# -- the program in a terminal ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MarkPatterns:
    """Regular expressions for the marks of a front end; ``done`` has the status as group 1."""

    ready: str
    output: str
    done: str

    @classmethod
    def of(cls, word: str, *, plain: bool) -> MarkPatterns:
        """Return the patterns of marks with the key ``word``; see shellplay/repl/osc133.py."""
        if plain:
            return cls(
                ready=rf"\x1eB {word} \d+\r\n",
                output=rf"\x1eC {word} \d+\r\n",
                done=rf"\x1eD {word} \d+ (\d+)\r\n",
            )
        tail = "" if word in ("", "1") else f";k={word}"
        return cls(
            ready=rf"\x1b\]133;B{tail}\x07",
            output=rf"\x1b\]133;C{tail}\x07",
            done=rf"\x1b\]133;D;(\d+){tail}\x07",
        )


class Terminal:
    """A running shellplay in a terminal, driven by the keys of a test.

    ``shell`` is the pexpect spawn.  Send keys only after ``ready``: while a line runs, the
    terminal is in canonical mode, and control keys would be lost.
    """

    def __init__(self, driver: Pexpect, marks: MarkPatterns) -> None:
        self.driver = driver
        self.shell: pexpect.spawn = driver.shell
        self.marks = marks

    @property
    def pid(self) -> int:
        """The PID of the program, which has the role ``repl``."""
        return int(self.shell.pid)

    def ready(self) -> None:
        """Wait until the next prompt reads keys; raises AssertionError."""
        self.expect(self.marks.ready)

    def run(self, line: str) -> tuple[int, str]:
        """Type ``line`` at the prompt; return its exit status and its output.

        The next prompt is ready when this returns.  Raises AssertionError.
        """
        self.send(f"{line}\r")
        self.expect(self.marks.output)
        self.expect(self.marks.done)
        status, output = int(self.shell.match[1]), self.shell.before
        self.ready()
        return status, plain(output)

    def send(self, keys: str) -> None:
        """Press keys; Enter is a carriage return."""
        self.driver.send(keys)

    def control(self, letter: str) -> None:
        """Press Ctrl and a key; ``]`` detaches from a bash."""
        self.driver.sendcontrol(letter)

    def expect(self, pattern: str, *, timeout: float = TIMEOUT_SECONDS) -> str:
        """Wait for a regular expression; return the text before it; ``timeout`` is in seconds.

        Raises AssertionError at a traceback or the end of the program, pexpect.TIMEOUT else.
        """
        import pexpect

        patterns = [pattern, "Traceback", pexpect.EOF]
        index = self.driver.expect(patterns, timeout=timeout)
        text = str(self.shell.before)
        assert index == 0, f"{patterns[index]} while waiting for {pattern!r} after:\n{text}"
        return text

    def ended(self) -> int:
        """Wait for the end of the program and return its exit status (128+n for a signal)."""
        import pexpect

        self.driver.expect(pexpect.EOF)
        self.shell.wait()
        if self.shell.signalstatus is not None:
            return 128 + int(self.shell.signalstatus)
        return int(self.shell.exitstatus)

    def close(self) -> None:
        """Hang up the terminal, as a closed terminal window does, which ends the program."""
        self.driver.close()


def plain(text: str) -> str:
    """Remove escape sequences and carriage returns from the output of a terminal."""
    return re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>])|\r", "", text)


def start_terminal(
    driver: Pexpect,
    *arguments: str,
    term: str = "xterm-256color",
    columns: int = 100,
    lines: int = 30,
    environment: dict[str, str] | None = None,
    log: Path,
) -> Terminal:
    """Start ``python -m shellplay --no-config ARGUMENTS`` and wait for its first prompt.

    ``driver`` comes from the fixture ``pexpect_factory``; ``log`` gets all output of the
    terminal.  Raises AssertionError.
    """
    import pexpect

    variables = _environment(term) | (environment or {})
    driver.set_name("terminal")
    driver.shell = pexpect.spawn(
        sys.executable,
        ["-m", "shellplay", "--no-config", *arguments],
        env=variables,
        encoding="utf-8",
        codec_errors="replace",
        dimensions=(lines, columns),
        timeout=TIMEOUT_SECONDS,
    )
    driver.shell.delaybeforesend = None
    driver.shell.logfile_read = log.open("w")
    is_plain = "--plain" in arguments or term in ("", "dumb", "unknown")
    terminal = Terminal(driver, MarkPatterns.of(variables["SHELLPLAY_MARKS"], plain=is_plain))
    try:
        terminal.ready()
    except BaseException:
        terminal.close()
        driver.shell.logfile_read.close()
        raise
    return terminal


def _environment(term: str) -> dict[str, str]:
    variables = {
        name: value for name, value in os.environ.items() if name not in REMOVED_VARIABLES
    }
    return variables | {
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PAGER": "cat",
        "PROMPT_TOOLKIT_BELL": "0",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PYTHONPATH": os.pathsep.join([PACKAGE_ROOT, os.environ.get("PYTHONPATH", "")]),
        # A program in a container does not know this word, and cannot forge a mark.
        "SHELLPLAY_MARKS": uuid.uuid4().hex,
        "TERM": term,
    }


@pytest.fixture
def playground_terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """The real program in a terminal, at its first prompt; it ends with the test.

    Its history and its output (terminal.log) are in the directory ``tmp_path`` of the test.
    """
    try:
        factory = request.getfixturevalue("pexpect_factory")
    except pytest.FixtureLookupError:
        pytest.fail("playground_terminal needs: pip install pytest-pexpect", pytrace=False)
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    terminal = start_terminal(factory(), environment=state, log=tmp_path / "terminal.log")
    yield terminal
    terminal.close()
    terminal.shell.logfile_read.close()
