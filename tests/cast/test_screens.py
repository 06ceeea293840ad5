"""What is on the screen after each event, whatever a program writes to it."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st

from shellplay.cast.events import Event, Heading, Narration, Output, Prompt, Resized, Typed
from shellplay.cast.screen_states import Frame, FrameRenderer, Style

PIECES = [
    *("\x1b[", "\x1b", "?", ">", ";", "1", "9", "999999999", "38;5;", "38;2;", " ", "$"),
    *"mJKHrhlABCDEFGLMPSTX@dfginpqstuxc78=<`a",
    *("(0", "#8", "%G", "]0;", "\x07", "\x9b", "\t", "\n", "\r", "\b", "\x0e", "\x0f"),
    *("\N{LATIN SMALL LETTER E WITH ACUTE}", "\u6f22", "\u0301"),
]


def frames(events: Iterable[Event]) -> list[Frame]:
    """Return the frames on a small screen."""
    return list(FrameRenderer(20, 4).frames(iter(events)))


def text_of(frame: Frame, row: int) -> str:
    """Return the text of a changed row."""
    return "".join(span.text for span in frame.changed[row]).rstrip()


def test_a_frame_has_the_rows_that_changed_and_the_cursor() -> None:
    first, second = frames([Prompt(0, "> "), Typed(1, "ls\n")])
    assert text_of(first, 0) == ">"
    assert first.cursor == (0, 2)
    assert (second.time, text_of(second, 0), second.cursor) == (1, "> ls", (1, 0))


def test_events_that_show_nothing_make_no_frame() -> None:
    assert frames([Heading(0, "A"), Narration(1, "b")]) == []


def test_events_that_an_eye_cannot_tell_apart_are_one_frame() -> None:
    (frame,) = frames([Output(1, "a\n"), Output(1.001, "b\n")])
    assert (text_of(frame, 0), text_of(frame, 1)) == ("a", "b")


def test_a_line_that_is_being_typed_is_marked() -> None:
    typing = [frame.typing for frame in frames([Typed(1, "a"), Typed(2, "b"), Typed(3, "\n")])]
    assert typing == [True, True, False]


def test_a_smaller_terminal_loses_what_is_below_the_cursor_before_what_is_above() -> None:
    four = Output(0, "one\ntwo\nthree\nfour\x1b[2;4H")
    *_, some, line, large = frames(
        [four, Resized(1, 20, 3), Resized(2, 2, 1), Resized(3, 9, 2)]
    )
    assert [text_of(some, row) for row in range(3)] == ["one", "two", "three"]
    assert (some.cursor, some.rows) == ((1, 3), 3)
    assert (text_of(line, 0), line.cursor, line.rows) == ("tw", (0, 1), 1)
    assert [text_of(large, row) for row in range(2)] == ["tw", ""]


def test_looks_are_kept() -> None:
    (frame,) = frames([Output(0, "\x1b[1;31mA\x1b[0;3;4;9;44mB\x1b[0;7mC\x1b[0;38;5;208mD")])
    assert [span.style for span in frame.changed[0]] == [
        Style("red", bold=True),
        Style("", "blue", italic=True, underlined=True, struck=True),
        Style("background", "foreground"),
        Style("ff8700"),
    ]


def test_spans_stand_in_the_cells_of_the_terminal() -> None:
    (frame,) = frames([Output(0, "a\u6f22\x1b[1mb")])
    assert [(s.column, s.text, s.cells) for s in frame.changed[0]] == [
        (0, "a\u6f22", 3),
        (3, "b", 1),
    ]


def test_a_new_size_draws_everything_again() -> None:
    first, second = frames([Output(0, "a\nb"), Resized(1, 30, 3)])
    assert (first.columns, first.rows) == (20, 4)
    assert (second.columns, second.rows) == (30, 3)
    assert set(second.changed) == {0, 1, 2}


@example("\x1b[1;2;3A", 20)
@example("\x1b[?1m\x1b[?5A", 20)
@example("\x1b[9J\x1b[9K", 20)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(1, 30))
def test_no_output_can_break_the_screen(text: str, columns: int) -> None:
    screens = FrameRenderer(20, 4)
    for event in (Output(0, text), Resized(1, columns, 3), Output(2, text)):
        frame = screens.feed(event)
        assert frame is None or all(row < frame.rows for row in frame.changed)
