"""The prompt, through prompt_toolkit's own pipe input: keys, completion, history, hand-over."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.fences import ORDER
from shellplay.model import ShellState
from shellplay.playground.playground import Playground
from shellplay.repl.completer import TableCompleter
from shellplay.repl.history import HistoryFile
from shellplay.repl.osc133 import EscapeMarks
from shellplay.repl.prompt import Prompt
from shellplay.repl.shared_history import SharedHistory, SuggestWhatWorked
from shellplay.repl.toolbar import toolbar
from tests.waiting import wait_until

Type = Callable[[str], str]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    """The input that stands for the keyboard of somebody with a terminal that can draw."""
    monkeypatch.setenv("TERM", "xterm-256color")
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


@pytest.fixture
def history(tmp_path: Path) -> HistoryFile:
    """A history file of this test."""
    return HistoryFile(tmp_path / "history")


@pytest.fixture
def out() -> io.StringIO:
    """What the program writes, errors too."""
    return io.StringIO()


@pytest.fixture
def prompt(
    keys: PipeInput, playground: Playground, history: HistoryFile, out: io.StringIO
) -> Prompt:
    """A prompt that reads ``keys``."""
    printer = Printer(out, out, color=False)
    return Prompt(printer, playground, EscapeMarks(out), history)


@pytest.fixture
def type_in(keys: PipeInput, prompt: Prompt, playground: Playground, out: io.StringIO) -> Type:
    """Type keys, leave with Ctrl-D, and return all that was written."""

    def play(typed: str) -> str:
        keys.send_text(typed + "\x04")
        interpreter = Interpreter(playground, prompt.printer, prompt)
        assert prompt.loop(interpreter) == 0
        return out.getvalue()

    return play


def test_a_line_is_run_and_ctrl_d_leaves(type_in: Type) -> None:
    assert 'unknown command "fnord"' in type_in("fnord\r")


def test_the_menu_shows_what_can_stand_here_and_what_it_is(playground: Playground) -> None:
    completer = TableCompleter(playground)
    document = Document("new web; trac", len("new web; trac"))
    found = list(completer.get_completions(document, CompleteEvent(completion_requested=True)))
    assert [(one.text, one.start_position) for one in found] == [("trace", -4)]
    assert "system calls" in found[0].display_meta_text


def test_ctrl_c_drops_the_line_and_goes_on(type_in: Type, history: HistoryFile) -> None:
    type_in("quit\x03help\r")
    assert history.entries() == ["help"]


def test_a_function_key_runs_its_command_and_keeps_the_line(
    type_in: Type, history: HistoryFile
) -> None:
    # Ctrl-U empties the kept line, so that Ctrl-D leaves.
    written = type_in("half a line\x1bOQ\x15")
    assert f"host: 0 of {len(ORDER)} layers fenced" in written
    assert history.entries() == ["fences"]


def test_every_prompt_is_marked_once(type_in: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLPLAY_MARKS", "N7")
    written = type_in("help\rfnord\r")
    for letter in "ABC":
        assert written.count(f"\x1b]133;{letter};k=N7\x07") == 3
    assert [written.count(f"\x1b]133;D;{status};k=N7\x07") for status in (0, 2)] == [2, 1]


def test_history_is_searched_and_comes_from_the_file(
    type_in: Type, history: HistoryFile
) -> None:
    history.append("trace off")
    history.append("help keys")
    assert "trace is off" in type_in("\x12trac\r\r")


def test_only_a_line_that_worked_is_suggested(
    type_in: Type, prompt: Prompt, history: HistoryFile
) -> None:
    shared = prompt.session.history
    assert isinstance(shared, SharedHistory)

    def suggested(typed: str) -> str | None:
        found = SuggestWhatWorked(shared).get_suggestion(
            Buffer(history=shared), Document(typed)
        )
        return found.text if found else None

    type_in("help uts\rhelp nothing\rfnord\rfence -x\r")
    assert [suggested(typed) for typed in ("help ", "fn", "fence", "")] == [
        "uts",
        None,
        None,
        None,
    ]
    assert history.read()[1] == {"help nothing", "fnord", "fence -x"}
    shared.ended("fnord", 0)
    assert suggested("fn") == "ord"


def test_keys_read_ahead_can_be_taken_and_given_back(keys: PipeInput, prompt: Prompt) -> None:
    keys.send_text("enter\rls -l\x1b[A\r")
    assert prompt.session.prompt("") == "enter"
    assert prompt.typed_ahead() == b"ls -l\x1b[A\r"
    assert prompt.typed_ahead() == b""
    prompt.give_back(b"ps host\r")
    assert prompt.session.prompt("") == "ps host"


def test_the_bar_tells_container_fences_and_state(playground: Playground) -> None:
    assert "no container" in toolbar(playground)[0][1]
    playground.new("web")
    told = "".join(text for _, text in toolbar(playground))
    assert [word in told for word in ("web", "no fences", "idle")] == [True] * 3


def test_what_happened_by_itself_is_told_before_the_prompt(
    type_in: Type, playground: Playground
) -> None:
    container = playground.new("web")
    container.type(b"exit\r")
    wait_until(lambda: container.state is ShellState.DEAD, "the bash to end")
    assert "web" in type_in("")


def test_a_history_that_cannot_be_used_is_told_once_and_nothing_is_lost(
    type_in: Type, history: HistoryFile
) -> None:
    assert history.path is not None
    history.path.mkdir()
    written = type_in("!echo $((40+2))\r!echo $((50+3))\r\x1b[A\r")
    assert written.count("no history is kept: Is a directory") == 1
    assert "Traceback" not in written
