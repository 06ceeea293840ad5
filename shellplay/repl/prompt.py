"""The prompt with line editing: prompt_toolkit over the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.lexers import Lexer, PygmentsLexer, SimpleLexer
from prompt_toolkit.styles import Style

from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.playground.playground import Playground
from shellplay.repl.completer import TableCompleter
from shellplay.repl.history import HistoryFile
from shellplay.repl.key_bindings import bindings, store, take_typed_ahead
from shellplay.repl.osc133 import Marks, key
from shellplay.repl.prompt_text import prompt_text
from shellplay.repl.terminal_echo import no_echo
from shellplay.repl.toolbar import bar
from shellplay.repl.typeahead import typed_before

if TYPE_CHECKING:
    import asyncio

STYLE = Style.from_dict(
    {
        "bottom-toolbar": "noreverse",
        "bar.name": "reverse bold",
        "bar.fences": "ansigreen",
        "bar.state": "ansicyan",
        "bar.parked": "ansiyellow",
        "bar.hint": "ansibrightblack",
        # The colours of the terminal, which its owner can read: pygments' own are for paper.
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


class SharedHistory(History):
    """prompt_toolkit's history over the file that sessions share.

    Where the file cannot be used it is that of this session alone, and ``trouble`` says why.
    """

    def __init__(self, file: HistoryFile) -> None:
        super().__init__()
        self.file = file
        self.trouble: OSError | None = None

    def load_history_strings(self) -> Iterable[str]:
        """Return the entries, the newest first."""
        try:
            return reversed(self.file.entries())
        except OSError as error:
            self.trouble = error
            return []

    def store_string(self, string: str) -> None:
        """Append an entry."""
        try:
            self.file.append(string)
        except OSError as error:
            self.trouble = error


class Highlighting(Lexer):
    """The colours of shellplay lines, whose lexers are loaded with the first letter."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return what gives each line in styled pieces."""
        lexer = _lexer() if document.text else SimpleLexer()
        return lexer.lex_document(document)


@cache
def _lexer() -> Lexer:
    from shellplay.repl.lexer import ShellplayLexer

    return PygmentsLexer(ShellplayLexer)


class Prompt:
    """The front end with line editing, completion, suggestions and a bottom bar."""

    terminal = True

    def __init__(
        self, printer: Printer, playground: Playground, marks: Marks, history: HistoryFile
    ) -> None:
        self.printer = printer
        self.playground = playground
        self.marks = marks
        self._kept = ""
        self._drawn = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._interpreter: Interpreter | None = None
        self._history = SharedHistory(history)
        self._told_of_history = False
        self.session = self._session()

    def stream(self, text: str) -> None:
        """Show output from inside as it arrives."""
        self.printer.stream(text)

    def typed_ahead(self) -> bytes:
        """Take the keys that were read beyond the line."""
        return take_typed_ahead(self.session.input)

    def give_back(self, keys: bytes) -> None:
        """Keep keys for the next prompt."""
        if keys:
            store(self.session.input, keys)

    def loop(self, interpreter: Interpreter) -> int:
        """Prompt for lines and run them until quit; return 0."""
        self._interpreter = interpreter
        self.playground.on_notice = self._notice
        with no_echo(self.session.input.fileno()):
            self.give_back(typed_before(self.session.input.fileno()))
            while not interpreter.left:
                self._take_line(interpreter)
        return 0

    def _take_line(self, interpreter: Interpreter) -> None:
        try:
            line = self._ask()
        except KeyboardInterrupt:
            self.marks.done(130)
            return
        except EOFError:
            line = "quit"
        self.marks.output()
        self._tell_of_history()
        self.marks.done(interpreter.run(line))

    def _ask(self) -> str:
        kept, self._kept = self._kept, ""
        self.marks.prompt()
        try:
            text = prompt_text(self.marks.number)
            return self.session.prompt(text, default=kept, pre_run=self._begin)
        finally:
            self._loop = None

    def _session(self) -> PromptSession[str]:
        # A program that drives us is better off without menus that redraw as it types.
        driven = key() is not None
        session: PromptSession[str] = PromptSession(
            auto_suggest=AutoSuggestFromHistory(),
            bottom_toolbar=lambda: FormattedText(bar(self.playground)),
            complete_while_typing=not driven,
            completer=TableCompleter(self.playground),
            history=self._history,
            include_default_pygments_style=False,
            key_bindings=bindings(self._keep),
            lexer=Highlighting(),
            reserve_space_for_menu=0 if driven else 6,
            style=STYLE,
        )
        session.app.after_render += self._rendered
        return session

    def _tell_of_history(self) -> None:
        trouble = self._history.trouble
        if trouble is not None and not self._told_of_history:
            self._told_of_history = True
            place = f" ({trouble.filename})" if trouble.filename else ""
            self.printer.note(f"shellplay: no history is kept: {trouble.strerror}{place}")

    def _keep(self, line: str) -> None:
        self._kept = line

    def _begin(self) -> None:
        self._drawn = False
        # What happened before there was a loop to be called is told before the first draw.
        self._loop = get_app().loop
        self._tell()

    def _rendered(self, _app: Any) -> None:  # noqa: ANN401
        if not self._drawn:
            self._drawn = True
            self.marks.ready()
            if self.marks.number == 1:
                # Not before it is drawn: it starts while the first line is being typed.
                self.playground.prestart()

    def _notice(self, _sentence: str) -> None:
        """Called from the pty reader thread: have it told above the prompt."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._tell_above)
        except RuntimeError:
            # The prompt has just ended; what runs next tells it.
            return

    def _tell_above(self) -> None:
        run_in_terminal(self._tell)

    def _tell(self) -> None:
        if self._interpreter is not None:
            self._interpreter.tell()
