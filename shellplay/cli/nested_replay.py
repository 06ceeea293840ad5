"""A replay within a session: a child process that has the terminal of the session."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from shellplay.cli.replay import main
from shellplay.kernel.constants import PR_SET_PDEATHSIG
from shellplay.kernel.here import HERE
from shellplay.stage.worker.process import TERMINATION_SIGNALS, exit_on_signal


def within(parent: int, arguments: Sequence[str]) -> int:
    """Replay with these arguments while the parent process, with the PID ``parent``, lives."""
    for number in TERMINATION_SIGNALS:
        signal.signal(number, exit_on_signal)
    HERE.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
    # The parent may have ended before prctl(2) asked for the signal.
    return main(arguments) if os.getppid() == parent else 1
