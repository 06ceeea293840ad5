"""Names and numbers of signals, as signal(7), kill(1) and Docker spell them."""

from __future__ import annotations

import re
import signal

from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean, quoted

# libc keeps 32 and 33 for its threads, so these are its limits and not those of the kernel.
_FIRST, _LAST = int(signal.SIGRTMIN), int(signal.SIGRTMAX)
_REAL_TIME = re.compile(r"(RTMIN|RTMAX)(?:([+-])([0-9]{1,2}))?")
# The length bounds what int() has to read.
_NUMBER = re.compile(r"\+?[0-9]{1,9}")
# Aliases like IOT and POLL are members of the enumeration, but not in its iteration.
_NUMBERS = {
    name.removeprefix("SIG"): int(number) for name, number in signal.Signals.__members__.items()
}


def parse_signal(text: str) -> int:
    """Return the number of ``9``, ``KILL``, ``sigkill``, ``RTMIN+3`` or ``RTMAX-1``.

    Raises UsageError if there is no such signal.
    """
    number = _number(text)
    if number is None:
        word = text.upper().removeprefix("SIG")
        raise UsageError(
            f"unknown signal {quoted(text)}", did_you_mean(word, _NUMBERS, "see signal(7)")
        )
    return number


def _number(text: str) -> int | None:
    if _NUMBER.fullmatch(text):
        number = int(text)
        return number if number in signal.valid_signals() else None
    name = text.upper().removeprefix("SIG")
    found = _REAL_TIME.fullmatch(name)
    if found is None or found[2] is None:
        return _NUMBERS.get(name)
    # RTMIN counts up, RTMAX counts down.
    if (found[1], found[2]) not in (("RTMIN", "+"), ("RTMAX", "-")):
        return None
    offset = int(found[3])
    number = _FIRST + offset if found[1] == "RTMIN" else _LAST - offset
    return number if _FIRST <= number <= _LAST else None


def signal_name(number: int) -> str:
    """Return the name of a signal, ``SIGTERM`` or ``SIGRTMIN+3``, as ``kill -l`` of bash does.

    The number itself if it has none.
    """
    if number in set(signal.Signals):
        return signal.Signals(number).name
    if not _FIRST < number < _LAST:
        return str(number)
    middle = (_FIRST + _LAST) // 2
    if number <= middle:
        return f"SIGRTMIN+{number - _FIRST}"
    return f"SIGRTMAX-{_LAST - number}"


def signal_names() -> list[str]:
    """Return the name of every signal without ``SIG``, in the order of the numbers."""
    return [signal_name(each).removeprefix("SIG") for each in sorted(signal.valid_signals())]
