"""The observer of an interpreter: it hears each event of a session when it happens."""

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
    """An observer that records nothing; the recorder overrides each method."""

    @property
    def name(self) -> str:
        """The path of the file that is being recorded; "" if there is none."""
        return ""

    def start(self, place: str, *, force: bool = False) -> str:
        """Begin to record a recipe; return a sentence with its path.

        ``force`` replaces a file that exists.  Raises Refused, and UsageError for a path that
        cannot be written.
        """
        raise Refused(f"{place}: nothing can be recorded here", "shellplay record FILE")

    def stop(self) -> str:
        """Complete the recipe; return a sentence with its path.  Raises Refused."""
        raise Refused("nothing is being recorded", "record start NAME")

    def remarked(self, line: str) -> None:
        """A comment line was read; ``line`` begins with its ``#``."""

    def began(self, text: str) -> None:
        """A command begins; ``text`` is the command alone, as it was typed."""

    def bound(self, name: str, values: Mapping[str, object]) -> None:
        """The words of the command were bound to these values."""

    def typed(self) -> None:
        """The user has typed keys for the line that runs in a live bash."""

    def came(self, outcome: Outcome) -> None:
        """The command has yielded an outcome, which is printed next."""

    def ended(self, status: int) -> None:
        """The command has ended with this exit status, and all its output is printed."""

    def noticed(self, sentence: str) -> None:
        """A notice is printed next: an event that no command asked for."""

    @contextmanager
    def entered(self, container: Container) -> Iterator[Heard | None]:
        """Record the terminal of a container for the block.

        The value of the block is a function that gets the typed keys, or None.
        """
        yield None
