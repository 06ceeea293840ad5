"""The settings of a playground, and its surroundings."""

from __future__ import annotations

from shellplay.model import Value

# The time between the stop signal and SIGKILL, as for docker stop.
GRACE_SECONDS = 10.0


class Surroundings(Value):
    """The surroundings of all processes in a playground, fixed at its start.

    ``term``, ``columns`` and ``rows`` describe the terminal of every bash.  ``environment`` is
    None for that of the REPL.  ``scratch`` is the working directory, which is removed at the
    end; None for that of the REPL.  ``output`` is the descriptor for the output of host
    commands and ``exec``; None for standard output.  With ``reports_lines`` every bash reports
    the lines that are typed into it.
    """

    term: str = "xterm-256color"
    columns: int = 80
    rows: int = 24
    environment: dict[str, str] | None = None
    scratch: str | None = None
    output: int | None = None
    reports_lines: bool = False


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
        bar: bool = True,
        trace: bool = False,
        confirm_exit: bool = True,
        editing_mode: str = "emacs",
        surroundings: Surroundings = USUAL,
    ) -> None:
        self.live = live
        self.bashrc = bashrc
        self.detach_key = detach_key
        self.timeout = timeout
        self.bar = bar
        self.trace = trace
        # Whether a trace has also the calls by which other processes are made to call.
        self.trace_all = False
        self.confirm_exit = confirm_exit
        self.editing_mode = editing_mode
        self.surroundings = surroundings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it changes
