"""Signal handlers: SIGTERM and SIGHUP end the program in order; ^Z and ^\\ do nothing."""

import signal
import types

EXIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def exit_on_signals() -> None:
    """Raise SystemExit(128 + number) at SIGTERM and SIGHUP, unless nohup(1) ignores them.

    SIGCHLD gets its default action: while it is ignored the kernel reaps children itself, so
    that waitpid(2) finds none.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in EXIT_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _exit)


def ignore_keys() -> None:
    """Do nothing at SIGTSTP and SIGQUIT, which ^Z and ^\\ send.

    If the front end stopped, every bash would wait for it; if it quit, every container would
    end.  The signals get a handler instead of SIG_IGN, as execve(2) would pass SIG_IGN on to
    each program (signal(7)).
    """
    for number in (signal.SIGTSTP, signal.SIGQUIT):
        signal.signal(number, _do_nothing)


def _do_nothing(_number: int, _frame: types.FrameType | None) -> None:
    return


def _exit(number: int, _frame: types.FrameType | None) -> None:
    # A second signal must not interrupt the cleanup.
    for signal_number in EXIT_SIGNALS:
        signal.signal(signal_number, signal.SIG_IGN)
    raise SystemExit(128 + number)
