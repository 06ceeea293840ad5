"""One parser for signals: every spelling of signal(7), kill(1) and Docker."""

from __future__ import annotations

import signal
import subprocess

import pytest

from shellplay.errors import UsageError
from shellplay.kernel.signal_names import parse_signal, signal_name, signal_names


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("9", 9), ("KILL", 9), ("SIGKILL", 9), ("sigkill", 9), ("kill", 9), ("+15", 15)),
        *(("015", 15), ("IOT", 6), ("POLL", 29), ("CLD", 17), ("SIGIO", 29), ("STKFLT", 16)),
        *(("34", 34), ("37", 37), ("64", 64), ("RTMIN", 34), ("SIGRTMAX", 64)),
        *(("SIGRTMIN+3", 37), ("rtmin+3", 37), ("RTMIN+30", 64), ("RTMIN+0", 34)),
        *(("RTMAX-1", 63), ("SIGRTMAX-14", 50), ("RTMAX-30", 34), ("RTMAX-0", 64)),
    ],
)
def test_a_signal_is_a_name_a_number_or_counted_from_an_end(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "-1", "32", "33", "65", "99999999999999999999", "1.5", "TREM", "SIG"),
        *("RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMAX+1", "RTMIN+", "RTMIN+x", "RTMIN3"),
        *("SIGSIGTERM", " TERM", "TERM\n", "٣"),
    ],
)
def test_what_is_no_signal_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="unknown signal"):
        parse_signal(text)


def test_the_names_are_those_of_bash() -> None:
    listed = subprocess.run(
        ["bash", "-c", "for n in $(seq 64); do kill -l $n; done 2>/dev/null"],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    numbers = [*range(1, 32), *range(int(signal.SIGRTMIN), int(signal.SIGRTMAX) + 1)]
    named = dict(zip(numbers, listed.stdout.split(), strict=True))
    assert {number: signal_name(number).removeprefix("SIG") for number in numbers} == named
    assert signal_names() == list(named.values())


def test_every_name_leads_back_to_its_number() -> None:
    for number in signal.valid_signals():
        assert parse_signal(signal_name(number)) == number
