"""Which casts of a performance are to be written, and the sinks that write them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from shellplay.cast.events import Sink
from shellplay.recipe.document import Header


@dataclass(frozen=True, slots=True)
class Casting:
    """Paths of an asciicast and of a page to write, None for none."""

    cast: str | None = None
    version: int = 3
    page: str | None = None

    @property
    def wants_scenes(self) -> bool:
        """Whether something shows the playground beside the terminal."""
        return self.page is not None

    def sinks(self, header: Header, stack: ExitStack) -> Sequence[Sink]:
        """Open the files, until ``stack`` ends, and return what writes them."""
        from shellplay.cast import asciicast, pacing

        found: list[Sink] = []
        if self.cast is not None:
            file = stack.enter_context(Path(self.cast).open("wb"))  # noqa: SIM115 (see stack)
            head = asciicast.Header(header.columns, header.rows, self.version, header.title)
            found.append(pacing.Paced(asciicast.Writer(file, head), seed=header.title))
        return found
