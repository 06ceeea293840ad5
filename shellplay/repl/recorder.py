"""The recorder of a front end: starts a recording, passes events to it, and ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from shellplay.cmdline.observer import Heard, Recording
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.printer import Printer
from shellplay.errors import Refused, ShellplayError
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.stage.perform.cast_sinks import CastFiles
    from shellplay.stage.record.session import Session

SUFFIX = ".play.md"


class Recorder(Recording):
    """Records the session of one front end; the recording is loaded when it starts."""

    def __init__(self, playground: Playground, printer: Printer) -> None:
        self._playground = playground
        self._printer = printer
        self._session: Session | None = None

    @property
    def name(self) -> str:
        """The path of the file that is being written, "" if there is none."""
        return str(self._session.path) if self._session else ""

    def start(
        self, place: str, *, force: bool = False, cast_files: CastFiles | None = None
    ) -> str:
        """Start to write a recipe (and casts, if given); return a sentence with its path.

        Raises Refused if a recording runs or there are containers, and UsageError if the file
        cannot be written.
        """
        if self._session:
            raise Refused(f"this session is written down in {self.name} already", "record stop")
        if self._playground.containers:
            raise Refused(
                "a recipe begins before the first container",
                "stop them, or begin with: shellplay record FILE",
            )
        from pathlib import Path

        from shellplay.stage.record.session import Session

        is_path = "/" in place or place.endswith(SUFFIX)
        path = Path(place if is_path else f"{place}{SUFFIX}")
        self._session = Session(
            self._playground, self._printer, path, force=force, cast_files=cast_files
        )
        return f"this session is written down in {path}"

    def stop(self) -> str:
        """Complete the recording; return a sentence with its path.

        Raises Refused if no recording runs.
        """
        session, self._session = self._session, None
        if session is None:
            raise Refused("nothing is being recorded", "record start NAME")
        return session.close()

    def remarked(self, line: str) -> None:
        """Add a comment to the recipe as prose."""
        self._tell(lambda session: session.remarked(line))

    def began(self, text: str) -> None:
        """Start a step with the text of its command."""
        self._tell(lambda session: session.began(text))

    def bound(self, name: str, values: Mapping[str, object]) -> None:
        """Add the command and its arguments to the step."""
        self._tell(lambda session: session.bound(name, values))

    def typed(self) -> None:
        """Note in the step that its line has read keys."""
        self._tell(lambda session: session.typed())

    def came(self, outcome: Outcome) -> None:
        """Add an outcome, such as an exit status, to the step."""
        self._tell(lambda session: session.came(outcome))

    def ended(self, status: int) -> None:
        """Write the complete step to the recipe."""
        self._tell(lambda session: session.ended(status))

    def noticed(self, sentence: str) -> None:
        """Add a notice to the step that it belongs to."""
        self._tell(lambda session: session.noticed(sentence))

    @contextmanager
    def entered(self, container: Container) -> Iterator[Heard | None]:
        """Record the keys that are typed into a live bash during the block.

        Gives a callback for the keys, or None if nothing is recorded.
        """
        if self._session is None:
            yield None
            return
        with self._session.entered(container) as heard:
            yield heard

    def _tell(self, notify: Callable[[Session], None]) -> None:
        session = self._session
        if session is None:
            return
        try:
            notify(session)
        except OSError as error:
            # A full disk must not end the session: the containers are worth more.
            self._session = None
            with suppress(OSError):  # The end cannot be written, either.
                session.close()
            file = error.filename or session.path
            reason = f"{file} cannot be written: {error.strerror}"
            self._printer.error(ShellplayError(f"{reason}, so the recording has ended"))
