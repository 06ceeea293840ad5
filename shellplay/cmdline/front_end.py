"""What a command may ask of the front end it was typed into."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Front(Protocol):
    """The side of a front end that commands see."""

    terminal: bool
    """Whether the user's terminal is there to be handed over."""

    def stream(self, text: str) -> None:
        """Show output from inside as it arrives."""

    def typed_ahead(self) -> bytes:
        """Take the keys that were read but belong to what comes next."""

    def give_back(self, keys: bytes) -> None:
        """Take keys that were typed for the prompt while the terminal was handed over."""
