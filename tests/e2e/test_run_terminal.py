"""Stories of ``shellplay run -it``: what a program prints on the terminal that it is given."""

from __future__ import annotations

import termios
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.watching import PROGRAM, Watcher
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.root]


def test_a_program_that_ends_at_once_is_seen_in_full_and_its_status_counts(
    tmp_path: Path,
) -> None:
    # The output may come before anybody is there to show it; one time is not enough to see.
    script = "echo first; echo last; exit 7"
    for _ in range(6):
        words = [*PROGRAM, "run", "--rm", "-it", "host", "sh", "-c", script]
        with closing(Watcher(words, tmp_path / "log")) as person:
            person.sees("first\r\nlast\r\n")
            assert person.ended() == 7


def test_what_is_typed_at_the_prompt_is_read_by_a_program_without_a_terminal(
    tmp_path: Path,
) -> None:
    words, prompt = [*PROGRAM, "--no-config"], {"SHELLPLAY_PROMPT": "shellplay> "}
    with closing(Watcher(words, tmp_path / "log", more=prompt)) as person:
        person.sees("shellplay>")
        person.press("run -iq --network none host sed s/^/read:/\r")
        person.sees("1 inside")
        # Between two prompts nothing is echoed.
        wait_until(lambda: person.modes()[3] & termios.ECHO, "the terminal of the program")
        person.press("typed\r\x04")
        person.sees("typed\r\nread:typed")
        person.sees("shellplay>")
        script = "trap 'echo heard' INT; echo ready; while :; do sleep 0.1; done"
        person.press(f'run -iq --network none host sh -c "{script}"\r')
        person.sees("ready\r\n")
        for _ in range(2):
            person.press("\x03")
            person.sees("heard\r\n")
        person.press("\x03")
        person.sees("exit status 137")
        person.press("quit\r")
        person.ended()
