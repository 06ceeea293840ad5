"""SIGTERM and SIGHUP end the program in order; Ctrl-Z does not stop it."""

import signal
import types

ENDING = (signal.SIGTERM, signal.SIGHUP)


def leave_in_order() -> None:
    """Turn each into SystemExit(128 + number), unless we were started to ignore it."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


def stay_awake() -> None:
    """Take no notice of Ctrl-Z: a stopped front end would let every bash wait for it.

    A handler, because what we start must not inherit that the signal is ignored.
    """
    signal.signal(signal.SIGTSTP, _take_no_notice)


def _take_no_notice(_number: int, _frame: types.FrameType | None) -> None:
    return


def _leave(number: int, _frame: types.FrameType | None) -> None:
    # A second signal must not cut the clean-up short.
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)
