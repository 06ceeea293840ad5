"""shellplay run passes every signal that can be caught on to its program."""

from __future__ import annotations

import signal

import pytest

from shellplay.kernel.signal_names import parse_signal
from tests.program.test_endings import running

pytestmark = pytest.mark.everyone
SIGNALS = (
    *("HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TERM", "CONT", "WINCH", "TSTP", "TTIN"),
    *("URG", "SEGV", "RTMIN+3", "RTMAX"),
)


def heard(name: str, *options: str) -> tuple[bytes, int]:
    """Send a signal to shellplay run; return what its program prints, and the status."""
    script = f"trap 'echo heard; exit 33' {name}; echo ready; while :; do sleep 0.1; done"
    with running(*options, "host", "bash", "-c", script) as process:
        process.send_signal(parse_signal(name))
        assert process.stdout is not None
        return process.stdout.read(), process.wait(20)


@pytest.mark.parametrize("name", SIGNALS)
def test_the_program_hears_it_and_its_status_counts(name: str) -> None:
    assert heard(name) == (b"heard\n", 33)


@pytest.mark.parametrize("name", ["USR1", "CONT", "RTMIN+3"])
def test_a_program_behind_an_init_hears_it_too(name: str) -> None:
    assert heard(name, "--init") == (b"heard\n", 33)


def test_one_signal_after_the_other_is_passed_on() -> None:
    traps = "trap 'echo one' USR1; trap 'echo two; exit 3' USR2"
    script = f"{traps}; echo ready; while :; do sleep 0.1; done"
    with running("host", "bash", "-c", script) as process:
        assert process.stdout is not None
        for _ in range(3):
            process.send_signal(signal.SIGUSR1)
            assert process.stdout.readline() == b"one\n"
        process.send_signal(signal.SIGUSR2)
        assert (process.stdout.read(), process.wait(20)) == (b"two\n", 3)


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGUSR1, signal.SIGTSTP])
def test_one_that_the_program_does_not_handle_ends_nothing(number: signal.Signals) -> None:
    # The first process of a PID namespace has no default action, pid_namespaces(7).
    script = "echo ready; sleep 2; echo still"
    with running("host", "sh", "-c", script) as process:
        process.send_signal(number)
        assert process.stdout is not None
        assert (process.stdout.read(), process.wait(20)) == (b"still\n", 0)


@pytest.mark.parametrize(("name", "status"), [("USR1", -signal.SIGUSR1), ("INT", 130)])
def test_without_a_proxy_it_is_for_shellplay(name: str, status: int) -> None:
    said, ended = heard(name, "--sig-proxy=false")
    assert (said, ended) == (b"", status)
