"""Signal handlers: SIGTERM and SIGHUP end the program in order, Ctrl-Z does nothing."""

import signal
import types

EXIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def exit_on_signals() -> None:
    """Raise SystemExit(128 + number) at SIGTERM and SIGHUP, unless nohup(1) ignores them."""
    for number in EXIT_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _exit)


def ignore_ctrl_z() -> None:
    """Do nothing at SIGTSTP: if the front end stopped, every bash would wait for it.

    The signal gets a handler instead of SIG_IGN, as execve(2) would pass SIG_IGN on to each
    program (signal(7)).
    """
    signal.signal(signal.SIGTSTP, _do_nothing)


def _do_nothing(_number: int, _frame: types.FrameType | None) -> None:
    return


def _exit(number: int, _frame: types.FrameType | None) -> None:
    # A second signal must not interrupt the cleanup.
    for signal_number in EXIT_SIGNALS:
        signal.signal(signal_number, signal.SIG_IGN)
    raise SystemExit(128 + number)
