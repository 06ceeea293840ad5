"""The front end with line editing: prompt_toolkit reads lines for the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.lexers import Lexer, PygmentsLexer, SimpleLexer
from prompt_toolkit.styles import Style

from shellplay.cmdline.front_end import Cancelled
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.prompt import parts
from shellplay.playground.playground import Playground
from shellplay.repl.completer import TableCompleter
from shellplay.repl.continuation import CONTINUES, continuation, pasted_lines
from shellplay.repl.history import HistoryFile
from shellplay.repl.interrupts import Interrupts
from shellplay.repl.key_bindings import bindings, store_keys, take_typeahead
from shellplay.repl.leaving import losses
from shellplay.repl.osc133 import Marks, marks_key
from shellplay.repl.prompt_text import chosen_prompt
from shellplay.repl.question import confirm
from shellplay.repl.shared_history import SharedHistory, SuggestWhatWorked
from shellplay.repl.terminal_echo import no_echo
from shellplay.repl.toolbar import toolbar
from shellplay.repl.typeahead import read_typeahead
from shellplay.views.sanitize import safe

if TYPE_CHECKING:
    import asyncio

LEAVING = ("quit", "exit")
STYLE = Style.from_dict(
    {
        "prompt.name": "bold",
        "prompt.fences": "ansigreen",
        "bottom-toolbar": "noreverse",
        "bar.name": "reverse bold",
        "bar.fences": "ansigreen",
        "bar.state": "ansicyan",
        "bar.parked": "ansiyellow",
        "bar.hint": "ansibrightblack",
        # The user has chosen readable colours for the terminal; those of pygments suit a
        # white page only.
        "pygments.error": "ansired",
        "pygments.keyword": "ansigreen bold",
        "pygments.name.class": "ansicyan",
        "pygments.name.attribute": "ansiblue",
        "pygments.name.builtin": "ansigreen",
        "pygments.name.variable": "ansimagenta",
        "pygments.literal.string": "ansiyellow",
        "pygments.literal.number": "ansimagenta",
        "pygments.comment": "ansibrightblack",
    }
)


class LazyHighlighter(Lexer):
    """Highlights lines; the lexers are loaded when the first letter is typed."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return a function from the number of a line to its styled fragments."""
        lexer = _lexer() if document.text else SimpleLexer()
        return lexer.lex_document(document)


@cache
def _lexer() -> Lexer:
    from shellplay.repl.lexer import ShellplayLexer

    return PygmentsLexer(ShellplayLexer)


class Prompt:
    """The front end with line editing, completion, suggestions and a bottom bar."""

    terminal = True
    draws: bool | None = True

    def __init__(
        self, printer: Printer, playground: Playground, marks: Marks, history: HistoryFile
    ) -> None:
        self.printer = printer
        self.playground = playground
        self.marks = marks
        self._saved_line = ""
        self._is_drawn = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._interpreter: Interpreter | None = None
        self._interrupts = Interrupts()
        self._warned_of_leaving = False
        self._history = SharedHistory(history)
        self._history_error_shown = False
        # A program that types here knows of no question.
        self.asks = marks_key() is None
        self.session = self._reading = self._make_session()

    def confirm(self, question: str) -> bool:
        """Ask the user a yes-or-no question; what was typed before is not an answer."""
        fd = self.session.input.fileno()
        typed = self.typed_ahead()
        try:
            return confirm(fd, self.printer, question)
        finally:
            self.give_back(typed)

    @property
    def input(self) -> int:
        """The descriptor of the keyboard."""
        return self.session.input.fileno()

    def stream(self, text: str) -> None:
        """Print output of a container as it arrives."""
        self.printer.stream(text)

    def draw(self, text: str) -> None:
        """Print exact output of a program that has the keyboard and may draw."""
        self.printer.draw(text)

    def typed_ahead(self) -> bytes:
        """Return and forget the keys that were typed after the end of the line."""
        source = self.session.input
        return take_typeahead(source) + read_typeahead(source.fileno())

    def give_back(self, keys: bytes) -> None:
        """Give keys to the next prompt, which reads them as typed."""
        if keys:
            store_keys(self.session.input, keys)

    def next_line(self) -> str | None:
        """Read one more line of a command; raises Cancelled.

        Returns None if a program types here: it knows of no other prompt.
        """
        if marks_key() is not None:
            return None
        self.printer.end_stream()
        self._reading = continuation(STYLE, self._editing_mode)
        try:
            with self._interrupts.at_a_prompt():
                line = self._reading.prompt(pre_run=self._keep_loop, handle_sigint=False)
        except (KeyboardInterrupt, EOFError):
            raise Cancelled from None
        finally:
            self._loop, self._reading = None, self.session
        self._history.extend(line)
        return line

    def loop(self, interpreter: Interpreter) -> int:
        """Prompt for lines and run them until quit; return 0."""
        self._interpreter = interpreter
        self.playground.on_notice = self._notice_arrived
        self._interrupts.at_prompt = self._interrupt_prompt
        with self._interrupts.handled(), no_echo(self.session.input.fileno()):
            self.give_back(read_typeahead(self.session.input.fileno()))
            while not interpreter.left:
                self._take_line(interpreter)
        return 0

    def _take_line(self, interpreter: Interpreter) -> None:
        self._interrupts.forget()
        try:
            line = self._read_line()
        except KeyboardInterrupt:
            self.marks.done(130)
            return
        except EOFError:
            line = "quit"
        self.marks.output()
        self._show_history_error()
        if line.strip() in LEAVING and self._warns_of_leaving():
            self._history.save()
            self.marks.done(0)
            return
        try:
            status = self._interrupts.run(lambda: self._run(interpreter, line))
        finally:
            self._history.save()
        self._history.ended(line, status)
        self.marks.done(status)
        self._warned_of_leaving = False

    def _run(self, interpreter: Interpreter, text: str) -> int:
        """Run a text; of several lines each is shown before its output."""
        if "\n" not in text:
            return interpreter.run(text)
        status = 0
        for line in pasted_lines(text):
            shown = line.replace("\n", f"\n{CONTINUES}")
            self.printer.write(safe(f"{self._plain_prompt()}{shown}\n"))
            status = interpreter.run(line)
            if status or interpreter.left:
                break
        return status

    def _warns_of_leaving(self) -> bool:
        """Warn once, before fences and jobs are lost; return whether it has warned now."""
        # A program that drives the prompt means what it types.
        if self._warned_of_leaving or not self.playground.settings.confirm_exit:
            return False
        if marks_key() is not None or not (lost := losses(self.playground)):
            return False
        self.printer.note(f"{lost} (Ctrl-D or quit again: leave)")
        self._warned_of_leaving = True
        return True

    def _read_line(self) -> str:
        default, self._saved_line = self._saved_line, ""
        self.marks.prompt()
        try:
            text = chosen_prompt(self.marks.number) or self._colored_prompt()
            self.session.editing_mode = self._editing_mode
            # prompt_toolkit's own handler of SIGINT would leave Python's, which raises, for a
            # moment before and after each prompt.
            return self.session.prompt(
                text, default=default, pre_run=self._before_prompt, handle_sigint=False
            )
        finally:
            self._loop = None

    def _colored_prompt(self) -> FormattedText:
        name, fences = parts(self.playground)
        style = "class:prompt.name" if self.playground.current else ""
        return FormattedText([(style, name), ("class:prompt.fences", fences), ("", "> ")])

    @property
    def _editing_mode(self) -> EditingMode:
        is_vi = self.playground.settings.editing_mode == "vi"
        return EditingMode.VI if is_vi else EditingMode.EMACS

    def _plain_prompt(self) -> str:
        return chosen_prompt(self.marks.number) or f"{''.join(parts(self.playground))}> "

    def _make_session(self) -> PromptSession[str]:
        # SHELLPLAY_MARKS has a word: a program types here, and menus would only redraw.
        is_driven = marks_key() is not None
        session: PromptSession[str] = PromptSession(
            auto_suggest=SuggestWhatWorked(self._history),
            bottom_toolbar=lambda: FormattedText(toolbar(self.playground)),
            complete_while_typing=not is_driven,
            completer=TableCompleter(self.playground),
            # Ctrl-X Ctrl-E, or v in vi's command mode: $VISUAL or $EDITOR.
            enable_open_in_editor=True,
            history=self._history,
            include_default_pygments_style=False,
            key_bindings=bindings(self._save_line),
            lexer=LazyHighlighter(),
            reserve_space_for_menu=0 if is_driven else 6,
            style=STYLE,
        )
        session.app.after_render += self._after_render

        def changed(buffer: Buffer) -> None:
            # Several lines are not left on the screen: `_run` shows them one by one.
            session.app.erase_when_done = "\n" in buffer.text

        session.default_buffer.on_text_changed += changed
        return session

    def _show_history_error(self) -> None:
        error = self._history.error
        if error is not None and not self._history_error_shown:
            self._history_error_shown = True
            file = f" ({error.filename})" if error.filename else ""
            self.printer.note(f"shellplay: no history is kept: {error.strerror}{file}")

    def _save_line(self, line: str) -> None:
        self._saved_line = line

    def _before_prompt(self) -> None:
        self._is_drawn = False
        # Notices that came before the event loop ran are shown before the first drawing.
        self._keep_loop()
        self._show_notices()

    def _keep_loop(self) -> None:
        self._loop = get_app().loop

    def _after_render(self, _app: Any) -> None:  # noqa: ANN401
        if not self._is_drawn:
            self._is_drawn = True
            self.marks.ready()
            if self.marks.number == 1:
                # After the first drawing, so that the start costs time while the user types.
                self.playground.prestart()

    def _notice_arrived(self, _sentence: str) -> None:
        """Show new notices above the prompt; the pty reader thread calls this."""
        self._call_at_prompt(self._show_notices_above)

    def _interrupt_prompt(self) -> None:
        """End the prompt as ^C does; the handler of SIGINT calls this."""
        self._call_at_prompt(self._drop_line)

    def _call_at_prompt(self, action: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None:
            return
        # The event loop may have just ended.  Then the next command shows the notices.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(action)

    def _drop_line(self) -> None:
        app = self._reading.app
        if app.is_running and not app.is_done:
            app.exit(exception=KeyboardInterrupt, style="class:aborting")

    def _show_notices_above(self) -> None:
        run_in_terminal(self._show_notices)

    def _show_notices(self) -> None:
        if self._interpreter is not None:
            self._interpreter.tell()
