"""What is read from an asciicast, and what is said of a broken one."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.cast import reader
from shellplay.cast.asciicast import Header, Writer
from shellplay.cast.events import Ended, Event, Heading, Output, Resized
from shellplay.cast.reader import CastError, Reader
from tests.cast.performance import performance

V3 = b'{"version": 3, "term": {"cols": 80, "rows": 24}}\n'
V2 = b'{"version": 2, "width": 80, "height": 24}\n'


def read(content: bytes) -> list[Event]:
    """Return the events of a file with this content."""
    return list(Reader(io.BytesIO(content), "demo.cast"))


@pytest.mark.parametrize("version", [2, 3])
def test_what_was_written_is_read(version: int) -> None:
    file = io.BytesIO()
    writer = Writer(file, Header(90, 20, version=version, title="T", timestamp=5))
    for event in performance():
        writer(event)
    file.seek(0)
    cast = Reader(file)
    assert cast.header == Header(90, 20, version=version, title="T", timestamp=5)
    events = list(cast)
    headings = [event for event in performance() if isinstance(event, Heading)]
    marks = [event for event in events if isinstance(event, Heading)]
    assert [(mark.time, mark.title) for mark in marks] == [
        (heading.time, heading.title) for heading in headings
    ]
    assert events[-1] == (Ended(9.0, 0) if version == 3 else Output(9.0, ""))
    assert "web: bash 32011, no fences\r\n" in [
        event.text for event in events if isinstance(event, Output)
    ]


def test_version_3_adds_times_up_and_version_2_takes_them_as_they_are() -> None:
    lines = b'[1.5, "o", "a"]\n[2, "o", "b"]\n'
    assert read(V3 + lines) == [Output(1.5, "a"), Output(3.5, "b")]
    assert read(V2 + lines) == [Output(1.5, "a"), Output(2.0, "b")]


def test_comments_input_and_unknown_codes_are_passed_over() -> None:
    lines = b'# a comment\n\n[1, "i", "secret"]\n[1, "?", ""]\n[1, "m", "here"]\n'
    assert read(V3 + lines) == [Heading(3.0, "here")]


def test_sizes_and_the_exit_status_are_read() -> None:
    lines = b'[0, "r", "90x30"]\n[0, "x", "7"]\n'
    assert read(V3 + lines) == [Resized(0.0, 90, 30), Ended(0.0, 7)]


def test_a_torn_last_line_is_left_out() -> None:
    assert read(V3 + b'[1, "o", "a"]\n[1, "o", "b') == [Output(1.0, "a")]
    assert read(V3 + b'[1, "o", "a"]\n[1, "o", "\xc3') == [Output(1.0, "a")]
    assert read(V3 + b'[1, "o", "a"]') == [Output(1.0, "a")]
    assert read(V3 + b'[1, "o", "a"]\n[1') == [Output(1.0, "a")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "demo.cast:1: this file is not an asciicast: its first line is not a header"),
        (
            b"hello\n",
            "demo.cast:1: this file is not an asciicast: its first line is not a header",
        ),
        (
            b"\xff\xfe\n",
            "demo.cast:1: this file is not an asciicast: its first line is not a header",
        ),
        (
            b"[1, 2]\n",
            "demo.cast:1: this file is not an asciicast: its first line is not a header",
        ),
        (
            b'{"version": 1, "stdout": []}\n',
            "demo.cast:1: asciicast version 1, but 2 and 3 can be read "
            "(asciinema convert OLD NEW makes a newer one)",
        ),
        (b'{"version": "3"}\n', "demo.cast:1: asciicast version '3', but 2 and 3 can be read"),
        (b'{"version": [3]}\n', "demo.cast:1: asciicast version [3], but 2 and 3 can be read"),
        (
            b'{"version": 3, "term": 5}\n',
            'demo.cast:1: the header needs "cols", a number from 1 to 10000',
        ),
        (
            b'{"version": 2, "width": 80, "height": 1e9}\n',
            'demo.cast:1: the header needs "height", a number from 1 to 10000',
        ),
        (V3 + b"oops\n", "demo.cast:2: this line is not JSON"),
        (V3 + b'[1, "o", "\xff"]\n', "demo.cast:2: this line is not JSON"),
        (V3 + b"[" * 100_000 + b"\n", "demo.cast:2: this line is not JSON"),
        (
            V3 + b'\n[1, "o"]\n',
            "demo.cast:3: an event is [time, code, text], with a time of 0 or more",
        ),
        (
            V3 + b'[-1, "o", ""]\n',
            "demo.cast:2: an event is [time, code, text], with a time of 0 or more",
        ),
        (
            V3 + b'[NaN, "o", ""]\n',
            "demo.cast:2: an event is [time, code, text], with a time of 0 or more",
        ),
        (
            V3 + b'[true, "o", ""]\n',
            "demo.cast:2: an event is [time, code, text], with a time of 0 or more",
        ),
        (V3 + b'[1, "r", "big"]\n', "demo.cast:2: 'big' is not a size such as \"80x24\""),
        (
            V3 + b'[1, "r", "99999x2"]\n',
            "demo.cast:2: '99999x2' is not a size such as \"80x24\"",
        ),
        (V3 + b'[1, "x", "ok"]\n', "demo.cast:2: 'ok' is not an exit status such as \"0\""),
    ],
)
def test_a_broken_line_is_named_in_one_sentence(content: bytes, message: str) -> None:
    with pytest.raises(CastError) as caught:
        read(content)
    assert str(caught.value) == message


def test_a_file_without_line_ends_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LINE", 1 << 20)
    file = io.BytesIO(V3 + b'[1, "o", "' + b"x" * (4 << 20) + b'"]\n')
    with pytest.raises(CastError, match="longer than 1 MiB"):
        list(Reader(file))
    assert file.tell() < 2 << 20


@given(st.binary(max_size=200), st.sampled_from([b"", V2, V3]))
def test_no_content_gives_a_traceback(content: bytes, header: bytes) -> None:
    with contextlib.suppress(CastError):
        read(header + content)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["version", "term", "width", "height", "env", "timestamp", "title"]),
        json_values | st.sampled_from([2, 3]),
    ),
    st.lists(json_values, max_size=3),
)
def test_no_json_gives_a_traceback(header: dict[str, object], lines: list[object]) -> None:
    content = "\n".join(json.dumps(each) for each in [header, *lines])
    with contextlib.suppress(CastError):
        read(content.encode())


def test_the_events_of_a_real_file_come_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_bytes(V3 + b'[1, "o", "a"]\nbroken\n')
    with path.open("rb") as file:
        events = iter(Reader(file, str(path)))
        assert next(events) == Output(1.0, "a")
        with pytest.raises(CastError, match=r"a\.cast:3: this line is not JSON"):
            next(events)
