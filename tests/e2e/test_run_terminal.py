"""Stories of ``shellplay run -it``: what a program prints on the terminal that it is given."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.watching import PROGRAM, Watcher

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
