"""What a user can set for a playground, and what is around it."""

from __future__ import annotations

from shellplay.model import Value

# How long a program may take to end once it was asked to, as for docker stop.
GRACE_SECONDS = 10.0


class Surroundings(Value):
    """What everything in a playground finds around it from its start.

    ``term``, ``columns`` and ``rows`` are those of every bash's terminal.  ``environment``
    is ours if it is None.  ``scratch`` is the directory to be in, which ends with the
    playground; without one it is ours.  ``output`` is the descriptor that gets what
    programs of the host and ``exec`` print; without one that is our standard output.
    ``tells_lines`` has every bash tell us the lines that are typed into it.
    """

    term: str = "xterm-256color"
    columns: int = 80
    rows: int = 24
    environment: dict[str, str] | None = None
    scratch: str | None = None
    output: int | None = None
    tells_lines: bool = False


USUAL = Surroundings()


class Settings:
    """Settings of one playground; ``timeout`` is in seconds, None waits for ever."""

    def __init__(
        self,
        *,
        live: bool = True,
        bashrc: bool = False,
        detach_key: str = "C-]",
        timeout: float | None = None,
        trace: bool = False,
        surroundings: Surroundings = USUAL,
    ) -> None:
        self.live = live
        self.bashrc = bashrc
        self.detach_key = detach_key
        self.timeout = timeout
        self.trace = trace
        self.surroundings = surroundings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it changes
