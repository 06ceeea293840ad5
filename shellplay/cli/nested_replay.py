"""A replay within a session: a process that has its terminal, and ends with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from shellplay.cli.replay import main
from shellplay.kernel.constants import PR_SET_PDEATHSIG
from shellplay.kernel.here import HERE
from shellplay.stage.worker.process import TERMINATION_SIGNALS, exit_on_signal


def within(parent: int, arguments: Sequence[str]) -> int:
    """Replay with these arguments, as long as the process ``parent``, which is ours, lives."""
    for number in TERMINATION_SIGNALS:
        signal.signal(number, exit_on_signal)
    HERE.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
    # It may have ended before we asked to hear of it.
    return main(arguments) if os.getppid() == parent else 1
