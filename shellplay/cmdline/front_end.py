"""The interface of a front end for commands."""

from typing import Protocol, runtime_checkable


class Cancelled(Exception):
    """The user does not complete the command."""


@runtime_checkable
class Front(Protocol):
    """The methods of a front end that commands call."""

    terminal: bool
    """Whether a command can have the user's terminal."""

    asks: bool
    """Whether a user is there who can be asked, and no program that types."""

    def confirm(self, question: str) -> bool:
        """Ask the user a yes-or-no question; return False if nobody can be asked."""

    @property
    def input(self) -> int | None:
        """The descriptor that a program may read; None if the lines come from there."""

    draws: bool | None
    """Whether a program inside that gets the keyboard may draw; None if it gets none."""

    def stream(self, text: str) -> None:
        """Print output of a container as it arrives."""

    def draw(self, text: str) -> None:
        """Print exact output of a program that may draw and has the keyboard."""

    def typed_ahead(self) -> bytes:
        """Return the keys that were read and belong to the next reader; each key once."""

    def give_back(self, keys: bytes) -> None:
        """Take back keys for the next prompt: another program read them from the terminal."""

    def next_line(self) -> str | None:
        """Read one more line of a command that is not complete; None if nobody is asked.

        Raises Cancelled.
        """
