"""The interpreter: it runs command lines in a playground and prints their outcomes."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from shellplay.cmdline.arguments import Target
from shellplay.cmdline.binder import bind
from shellplay.cmdline.front_end import Cancelled, Front
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import (
    Changed,
    Document,
    Leave,
    Outcome,
    Page,
    Status,
    Text,
    Then,
    Warned,
    Watched,
)
from shellplay.cmdline.phrases import born
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.registry import DIALECTS, GRAMMAR, INJECTED, Command, find
from shellplay.cmdline.tokenizer import Segment, segments
from shellplay.errors import (
    Bug,
    Incomplete,
    OutputLost,
    Refused,
    ShellplayError,
    Unterminated,
    UsageError,
)
from shellplay.kernel.shortage import user_error
from shellplay.playground.playground import Playground

# As bash at a ^C, 128 + SIGINT.
CANCELLED = 130


class Interpreter:
    """Runs one line after the other; ``left`` is true once ``quit`` was run.

    With ``json`` or ``apart`` standard output gets only documents and output of containers;
    the sentences go to the error stream.
    """

    def __init__(
        self,
        playground: Playground,
        printer: Printer,
        front: Front,
        *,
        json: bool = False,
        apart: bool = False,
        recording: Recording | None = None,
    ) -> None:
        self.playground = playground
        self.printer = printer
        self.front = front
        self.json = json
        self.apart = json or apart
        self.recording = recording or Recording()
        self.left = False
        self._then = ""

    def run(self, text: str, where: str = "", *, keep_going: bool = False) -> int:
        """Run the commands of a text up to the first that fails; return its exit status.

        ``where`` is the prefix of an error message, like ``setup.txt:3: ``.  With
        ``keep_going`` the commands after a failed one run, too.
        """
        try:
            text, parts = self._segments(text)
        except Cancelled:
            return CANCELLED
        except ShellplayError as error:
            self.recording.began(text.strip())
            self.printer.error(error, where)
            self.recording.ended(error.exit_status)
            return error.exit_status
        if text.lstrip().startswith("#"):
            self.recording.remarked(text.strip())
        failed = 0
        for part in parts:
            line = text[part.start : part.end].strip()
            self.recording.began(line)
            failed = self._run_one(part, line, where) or failed
            then, self._then = self._then, ""
            if then:
                failed = self.run(then, where) or failed
            if self.left or (failed and not keep_going):
                break
        return failed

    def tell(self) -> None:
        """Print the notices since the last call: events that no command asked for."""
        for notice in self.playground.notices():
            self.recording.noticed(notice)
            self.printer.note(notice)

    def _run_one(self, part: Segment, line: str, where: str) -> int:
        self.playground.journal.clear()
        try:
            with self._recorded():
                status = self._perform_complete(part, line)
        except Cancelled:
            status = CANCELLED
        except KeyboardInterrupt:
            self.printer.error(ShellplayError("interrupted"), where)
            status = 1
        except OutputLost:
            # Nobody would read what the other commands print.
            raise
        except Exception as error:
            # A bug in one command must not end the containers of the user.
            told = user_error(error)
            if isinstance(told, Bug) and os.environ.get("SHELLPLAY_DEBUG") == "1":
                raise
            self.printer.error(told, where)
            status = told.exit_status
        self.printer.end_stream()
        self._trace()
        self.tell()
        self.recording.ended(status)
        return status

    def _segments(self, text: str) -> tuple[str, list[Segment]]:
        """Return the commands of a text, and the text with lines that the user adds to it."""
        while True:
            try:
                return text, segments(text, GRAMMAR)
            except Unterminated:
                if (more := self.front.next_line()) is None:
                    raise
                text = f"{text}\n{more}"

    def _perform_complete(self, part: Segment, line: str) -> int:
        """Perform a command, with lines that the user adds while bash needs more."""
        while True:
            try:
                return self._perform(part, line)
            except Incomplete:
                if part.rest is None or (more := self.front.next_line()) is None:
                    raise
                rest = part.rest.changed(text=f"{part.rest.text}\n{more}")
                part, line = part.changed(rest=rest), f"{line}\n{more}"

    def _perform(self, part: Segment, line: str) -> int:
        if part.words[0].text in DIALECTS:
            part = self._translated(part, line)
        command = _command(part.words[0].text, line)
        if _asks_for_help(command, part):
            from shellplay.cmdline.help import page

            self.printer.show(Page(page(command)))
            return 0
        values = bind(command, part, self.playground)
        self.recording.bound(command.name, values)
        if command.terminal and not self.front.terminal:
            raise Refused(f"{command.name} needs a terminal", "without one, use: in LINE")
        json = bool(values.pop("json", False)) or self.json
        values.update(self._injected(command))
        status = 0
        for outcome in self._outcomes(command, values):
            status = self._show(outcome, json=json) or status
        return status

    def _translated(self, part: Segment, line: str) -> Segment:
        """Return a line of another program in our words, and tell them if they differ."""
        from shlex import join

        from shellplay.cmdline.dialects import translated

        given = [word.text for word in part.words]
        words = translated(given, self.playground)
        if words != given[1:]:
            self.printer.note(f"{line} is {join(words)} here")
        return segments(join(words), GRAMMAR)[0]

    def _injected(self, command: Command) -> dict[str, object]:
        there = {Playground: self.playground, Front: self.front, Recording: self.recording}
        return {
            parameter.name: there[parameter.meaning]
            for parameter in command.parameters
            if parameter.meaning in INJECTED
        }

    def _outcomes(self, command: Command, values: dict[str, object]) -> Iterator[Outcome]:
        target = command.target
        if target is not None and isinstance(target.meaning, Target):
            label = values.get(target.name)
            container = self.playground.find(str(label)) if label else self.playground.current
            if container is None and target.meaning.creates:
                container = self.playground.new()
                yield born(container)
            if container is None and not target.meaning.optional:
                raise Refused(f"{command.name}: there is no container", "new makes one")
            values[target.name] = container
        yield from command.function(**values)

    def _show(self, outcome: Outcome, *, json: bool) -> int:
        """Print one outcome; return its exit status."""
        self.recording.came(outcome)
        match outcome:
            case Status(status):
                return self._status(status)
            case Then(line):
                self._then = line
            case Leave():
                self.left = True
            case Watched():
                self._watch(outcome, json=json)
            case Document() if json:
                self.printer.show(_as_json(outcome))
            case Document():
                self.printer.show(outcome.title)
                self.printer.show(outcome.view())
            case Page():
                self.printer.show(outcome)
            case Text():
                self.printer.text(outcome.text)
            case Warned():
                self.printer.warning(outcome.sentence)
            case Changed(change, label):
                from shellplay.views.change import details, lines

                self._say("\n".join(lines(change, label)), details(change))
            case _:
                self._say(outcome)
        return 0

    def _watch(self, watched: Watched, *, json: bool) -> None:
        """Print a document again and again, each over the one before it."""
        from shellplay.cmdline.pause import pauses

        shown, lines = 0, 0
        try:
            with pauses(keys=self.front.terminal) as pause:
                while True:
                    document = watched.document()
                    if json:
                        self.printer.show(_as_json(document))
                    else:
                        lines = self.printer.redraw(document.view(), lines)
                    shown += 1
                    if shown == watched.times or not pause(watched.seconds):
                        return
        except KeyboardInterrupt:
            # Ctrl-C is the usual end, as with watch(1), and not a failure.
            return

    def _say(self, sentence: str, details: Sequence[str] = ()) -> None:
        if self.apart:
            self.printer.note(sentence)
        else:
            self.printer.say(sentence, details)

    def _status(self, status: int | None) -> int:
        if status is None:
            self.printer.note(
                "bash itself has exited or was replaced, so there is no exit status"
            )
            return 1
        if status:
            self.printer.note(f"exit status {status}")
        return status

    def _recorded(self) -> AbstractContextManager[object]:
        traced = self.playground.settings.trace
        return self.playground.journal.recording() if traced else nullcontext()

    def _trace(self) -> None:
        if self.playground.settings.trace:
            from shellplay.views.trace import lines

            all_ = self.playground.settings.trace_all
            self.printer.show("\n".join(lines(self.playground.journal.calls(), all_=all_)))


def _asks_for_help(command: Command, part: Segment) -> bool:
    if command.is_raw:
        # run has options of its own: -h is a host name, as in docker run.
        return any(word.text == "--help" for word in part.words[1:2])
    asking = {"--help", "-h"} - command.options.keys()
    return any(word.text in asking for word in part.words[1:])


def _command(word: str, line: str) -> Command:
    try:
        return find(word)
    except UsageError as error:
        from shellplay.cmdline.shell_words import shell_error

        raise shell_error(word, line) or error from None


def _as_json(outcome: Document) -> str:
    from shellplay.views.json import document

    return document(outcome.kind, outcome.payload())
