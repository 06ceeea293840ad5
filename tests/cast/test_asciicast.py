"""What is written as asciicast: by every event, whole, and at its time."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.cast.asciicast import MAX_TEXT, Header, Writer
from shellplay.cast.events import (
    Ended,
    Event,
    Heading,
    Narration,
    Output,
    Prompt,
    Resized,
    Scene,
    Typed,
)
from shellplay.cast.reader import Reader
from tests.cast.performance import performance
from tests.waiting import wait_until

ENDLESS = """
import sys
from shellplay.cast.asciicast import Writer
from shellplay.cast.events import Output
with open(sys.argv[1], "wb") as file:
    writer = Writer(file)
    for number in range(10**9):
        writer(Output(number / 1000, f"line {number} " + "x" * 500 + "\\n"))
"""


def written(events: Iterable[Event], header: Header | None = None) -> list[list[object]]:
    """Return the lines of a cast as JSON, without the header."""
    file = io.BytesIO()
    writer = Writer(file, header)
    for event in events:
        writer(event)
    return [json.loads(line) for line in file.getvalue().decode().splitlines()[1:]]


def text_of(lines: list[list[object]]) -> str:
    """Return all that is output."""
    return "".join(str(data) for _, code, data in lines if code == "o")


def test_the_header_of_version_3_has_the_terminal_in_term() -> None:
    header = Header(100, 30, title="A <title>", timestamp=1_700_000_000)
    assert header.record() == {
        "version": 3,
        "term": {"cols": 100, "rows": 30, "type": "xterm-256color"},
        "timestamp": 1_700_000_000,
        "title": "A <title>",
        "env": {"SHELL": "/bin/bash", "TERM": "xterm-256color"},
    }


def test_the_header_of_version_2_has_width_and_height() -> None:
    record = Header(100, 30, version=2).record()
    assert record["version"] == 2
    assert (record["width"], record["height"]) == (100, 30)
    assert "term" not in record


def test_no_other_version_is_written() -> None:
    with pytest.raises(ValueError, match="version 1"):
        Header(version=1)


def test_every_kind_of_event_has_its_code() -> None:
    lines = written(
        [
            Heading(0.0, "Begin"),
            Narration(0.0, "Some **prose**."),
            Prompt(0.25, "shellplay> "),
            Typed(0.5, "ps\n"),
            Output(0.75, "one\ntwo\n"),
            Scene(0.8, "ps", (), ()),
            Resized(1.0, 90, 30),
            Ended(2.0, 3),
        ]
    )
    assert [code for _, code, _ in lines] == ["m", "o", "o", "o", "o", "r", "x"]
    assert [data for _, code, data in lines if code != "o"] == ["Begin", "90x30", "3"]
    assert lines[1][2] == "\x1b[2mSome prose.\x1b[0m\r\n\r\n"
    assert lines[2][2] == "\x1b[1;32mshellplay\x1b[0m> "
    assert lines[3][2] == "ps\r\n"
    assert lines[4] == [0.25, "o", "one\r\ntwo\r\n"]
    assert [time for time, _, _ in lines] == [0, 0, 0.25, 0.25, 0.25, 0.25, 1.0]


def test_version_2_counts_from_the_start_and_keeps_the_last_pause() -> None:
    lines = written([Output(1.5, "a"), Output(4.25, "b"), Ended(6.0, 1)], Header(version=2))
    assert lines == [[1.5, "o", "a"], [4.25, "o", "b"], [6.0, "o", ""]]


def test_prose_begins_on_a_line_of_its_own_and_fits() -> None:
    lines = written([Output(0, "no end"), Narration(0, "word " * 40)], Header(30, 24))
    rows = text_of(lines).split("\r\n")
    assert rows[0] == "no end"
    assert all(len(row.replace("\x1b[2m", "").replace("\x1b[0m", "")) <= 30 for row in rows)


def test_a_link_in_prose_is_spelled_out() -> None:
    text = text_of(written([Narration(0, "see [this](https://example.org/a)")]))
    assert "this (https://example.org/a)" in text


def test_prose_cannot_hold_escape_sequences() -> None:
    assert "\x1b]0;" not in text_of(written([Narration(0, "a \x1b]0;title\x07 b")]))


def test_a_prompt_with_colours_of_its_own_keeps_them() -> None:
    assert written([Prompt(0, "\x1b[31mred\x1b[0m$ ")])[0][2] == "\x1b[31mred\x1b[0m$ "


def test_a_line_end_that_was_cut_in_two_is_one_line_end() -> None:
    assert text_of(written([Output(0, "a\r"), Output(0, "\nb\r\n\n")])) == "a\r\nb\r\n\r\n"


def test_a_character_that_was_cut_in_two_is_whole_and_other_bytes_are_marked() -> None:
    smile = "\N{SLIGHTLY SMILING FACE}".encode()
    pieces = [b"<" + smile[:2], smile[2:] + b">", b"\xff", b"-" + smile[:3]]
    events = [Output(0, piece.decode("utf-8", "surrogateescape")) for piece in pieces]
    text = text_of(written([*events, Output(0, "\ud800"), Ended(0, 0)]))
    assert text == "<\N{SLIGHTLY SMILING FACE}>\ufffd-\ufffd\ufffd"


@given(st.lists(st.floats(0, 0.01), max_size=300))
def test_rounding_does_not_add_up(gaps: list[float]) -> None:
    times = list(accumulate(gaps))
    lines = written(Output(time, "x") for time in times)
    played = accumulate(float(str(line[0])) for line in lines)
    assert all(abs(a - b) < 0.00051 for a, b in zip(times, played, strict=True))


def test_time_does_not_run_backwards() -> None:
    assert [line[0] for line in written([Output(2, "a"), Output(1, "b")])] == [2, 0]


@given(st.lists(st.text(st.characters(exclude_categories=[])), max_size=20))
def test_whatever_is_output_makes_valid_utf8_and_json(texts: list[str]) -> None:
    file = io.BytesIO()
    writer = Writer(file)
    for text in texts:
        writer(Output(0, text))
        writer(Heading(0, text))
    writer(Ended(0, 0))
    lines = file.getvalue().decode("utf-8", "strict").split("\n")
    assert lines.pop() == ""
    for line in lines:
        str(json.loads(line)).encode()


def test_a_long_output_is_cut_into_lines_that_readers_can_hold() -> None:
    lines = written([Output(1, "x" * 3 * MAX_TEXT)])
    assert [len(str(data)) for _, _, data in lines] == [MAX_TEXT] * 3
    assert [time for time, _, _ in lines] == [1, 0, 0]


def test_the_same_performance_gives_the_same_bytes() -> None:
    assert written(performance()) == written(performance())


def test_every_event_is_in_the_file_as_soon_as_it_happened(tmp_path: Path) -> None:
    path = tmp_path / "open.cast"
    events: list[Event] = [Output(0, "a"), Heading(1, "b"), Output(2, "c")]
    with path.open("wb") as file:
        writer = Writer(file)
        for number, event in enumerate(events):
            assert path.read_bytes().count(b"\n") == 1 + number
            writer(event)


def test_after_kill_9_every_event_but_the_last_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "killed.cast"
    with subprocess.Popen([sys.executable, "-c", ENDLESS, path]) as writer:
        wait_until(lambda: path.exists() and path.stat().st_size > 200_000, "some events")
        os.kill(writer.pid, signal.SIGKILL)
    with path.open("rb") as file:
        lines = [event for event in Reader(file) if isinstance(event, Output)]
    assert len(lines) > 100
    assert all(event.text.startswith(f"line {n} xxx") for n, event in enumerate(lines))
