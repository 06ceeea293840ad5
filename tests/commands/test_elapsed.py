"""A long work shows its time on a terminal, and only there."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator

import pytest

from shellplay.cmdline.elapsed import CLEAR, timed
from tests.waiting import wait_until


def test_after_a_second_the_time_is_shown_and_the_next_sentence_replaces_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master, slave = os.openpty()
    os.set_blocking(master, False)
    seen = b""

    def sees(text: bytes) -> bool:
        nonlocal seen
        try:
            seen += os.read(master, 4096)
        except BlockingIOError:
            return False
        return text in seen

    def work() -> Generator[str, None, int]:
        yield "at once"
        wait_until(lambda: sees(b"image import: 1 s"), "the time")
        yield "later"
        return 7

    with open(slave, "w") as stderr:  # noqa: PTH123 (a descriptor)
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        watched = timed(work(), "image import", shows=True)
        assert next(watched) == "at once"
        assert not sees(b" s")
        assert next(watched) == "later"
        assert sees(CLEAR.encode())
        assert seen.endswith(CLEAR.encode())
        with pytest.raises(StopIteration) as end:
            next(watched)
        assert end.value.value == 7
    os.close(master)


def test_without_a_terminal_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)

    def work() -> Generator[str, None, None]:
        yield "said"

    assert list(timed(work(), "image import", shows=True)) == ["said"]
    assert stderr.getvalue() == ""
