"""What an interpreter tells whoever writes a session down, as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shellplay.cmdline.outcomes import Outcome
from shellplay.errors import Refused

if TYPE_CHECKING:
    from shellplay.container.container import Container

Heard = Callable[[bytes], None]


class Recording:
    """One who is told of every command; this one writes nothing down, and cannot."""

    @property
    def name(self) -> str:
        """The file that is being written, "" if there is none."""
        return ""

    def start(self, place: str, *, force: bool = False) -> str:
        """Begin to write a recipe, and say where; ``force`` replaces a file that is there.

        Raises Refused, or UsageError for a place that cannot be written.
        """
        raise Refused(f"{place}: nothing can be recorded here", "shellplay record FILE")

    def stop(self) -> str:
        """Complete what was written and say where it is; raises Refused if nothing is."""
        raise Refused("nothing is being recorded", "record start NAME")

    def remarked(self, line: str) -> None:
        """Hear of a line that is a comment, with its sign."""

    def began(self, text: str) -> None:
        """Hear that a command begins: as it was typed, without what stands around it."""

    def bound(self, name: str, values: Mapping[str, object]) -> None:
        """Hear which command it is, and of the values that its line gives."""

    def came(self, outcome: Outcome) -> None:
        """Hear of an outcome before it is shown."""

    def ended(self, status: int) -> None:
        """Hear that it has ended, all of its output shown, and how."""

    def noticed(self, sentence: str) -> None:
        """Hear of something that happened by itself, before it is shown."""

    @contextmanager
    def entered(self, container: Container) -> Iterator[Heard | None]:
        """Hear, in the block, of all that happens on the terminal of a container.

        What it gives is told the keys that are typed.
        """
        yield None
