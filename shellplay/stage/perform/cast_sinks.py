"""The cast files of a performance, and the sinks that write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shellplay.cast.events import Event, Sink
from shellplay.errors import UsageError
from shellplay.recipe.document import Header


@dataclass(frozen=True, slots=True)
class CastFiles:
    """The cast files to write: asciicast, page and picture; None: do not write this file.

    ``version`` is the version of the asciicast, 2 or 3.
    """

    cast: str | None = None
    version: int = 3
    page: str | None = None
    picture: str | None = None

    @property
    def needs_scenes(self) -> bool:
        """Whether a file shows scenes, that is, the state of the playground."""
        return self.page is not None

    def __bool__(self) -> bool:
        return any((self.cast, self.page, self.picture))

    @contextmanager
    def sinks(self, header: Header, *, paced: bool = True) -> Iterator[Sequence[Sink]]:
        """Provide the sinks for a performance; the files are complete after the block.

        If ``paced``, the times are those of a person who types and reads.  Raises
        `UsageError` if a file cannot be written, before the block where possible.
        """
        if not self:
            yield ()
            return
        from shellplay.cast.pacing import Paced

        events: list[Event] = []
        with ExitStack() as files:
            sinks = [] if self.cast is None else [self._writer(header, self.cast, files)]
            if self.page or self.picture:
                self._check_drawing(header)
                sinks.append(events.append)
            yield [Paced(sink, seed=header.title) for sink in sinks] if paced else sinks
        self._draw(events, header)

    def _writer(self, header: Header, path: str, files: ExitStack) -> Sink:
        from shellplay.cast import asciicast

        with _writing(path):
            file = files.enter_context(Path(path).open("wb"))  # noqa: SIM115
            size = (header.columns, header.rows)
            cast_header = asciicast.Header(*size, self.version, header.title)
            with _closed_on_failure(file):
                writer = asciicast.Writer(file, cast_header)

        def write(event: Event) -> None:
            if file.closed:
                return
            try:
                with _closed_on_failure(file):
                    writer(event)
            except OSError as error:
                # write(2) does not know the path.
                raise OSError(error.errno, error.strerror, path) from error

        return write

    def _check_drawing(self, header: Header) -> None:
        """Raise `UsageError` before a long performance if page or picture cannot be made."""
        from shellplay.cast.screen_states import FrameRenderer

        FrameRenderer(header.columns, header.rows)
        for path in filter(None, (self.page, self.picture)):
            with _writing(path):
                Path(path).touch()

    def _draw(self, events: list[Event], header: Header) -> None:
        title, columns, rows = header.title or "shellplay", header.columns, header.rows
        if self.page:
            from shellplay.cast.page import page

            with _writing(self.page):
                text = page(events, title=title, columns=columns, rows=rows)
                Path(self.page).write_text(text, "utf-8")
        if self.picture:
            from shellplay.cast.picture import picture

            with _writing(self.picture):
                text = picture(events, title=title, columns=columns, rows=rows)
                Path(self.picture).write_text(text, "utf-8")


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def _closed_on_failure(file: BinaryIO) -> Iterator[None]:
    """Close a file whose write fails in the block.

    To close it later would write the same text, and fail where the path is not known.
    """
    try:
        yield
    except OSError:
        with suppress(OSError):
            file.close()
        raise
