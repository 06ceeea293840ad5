"""The picture of a performance: well-formed, real text, readable on light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.cast.events import Event, Output, Typed
from shellplay.cast.picture import picture
from shellplay.cast.reader import Reader
from tests.cast.performance import performance

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """Return the texts of a picture, its name first."""
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def still(*events: Event) -> str:
    """Return the picture of the last screen of a small terminal."""
    return picture(iter(events), columns=20, rows=4)


def test_it_has_a_title_and_the_text_for_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(picture(performance(), title="A <session>", rows=12))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "A <session>"
    about = root.findtext(f"{SVG}desc") or ""
    assert about.startswith("shellplay> new web\nweb: bash 32011, no fences\n")


def test_the_text_is_text_and_what_scrolled_away_is_gone() -> None:
    shown = texts(still(Output(0, "".join(f"line {number}\n" for number in range(9)))))
    assert shown == ["shellplay", "line 6", "line 7", "line 8"]


def test_words_stand_in_their_cells_whatever_the_font() -> None:
    svg = still(Output(0, "  \x1b[1mab\x1b[0m  \x1b[41mc \x1b[0m"))
    root = ElementTree.fromstring(svg)
    places = [(t.get("x"), t.get("textLength")) for t in root.iter(f"{SVG}text")][1:]
    assert places == [("16.8", "16.8"), ("50.4", "8.4")]
    assert '<rect class="b2" x="50.4" y="0" width="16.8"' in svg


def test_it_has_colours_for_light_and_for_dark() -> None:
    svg = still(Output(0, "\x1b[32mgreen"))
    light, dark = svg.split("@media (prefers-color-scheme:dark)")
    assert re.search(r"\.s1\{fill:#1a7f37\}", light)
    assert re.search(r"\.s1\{fill:#72c688\}", dark)


def test_nothing_is_fetched_and_nothing_runs() -> None:
    svg = picture(performance(), title="</title><script>alert(1)</script>", animated=True)
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags == {"svg", "title", "desc", "style", "rect", "circle", "g", "text"}
    assert "url(" not in svg
    assert "href" not in svg


def test_a_still_picture_does_not_move() -> None:
    assert "animation" not in picture(performance(), rows=12)


def test_a_moving_picture_moves_once_and_only_for_who_does_not_mind() -> None:
    svg = picture(performance(), rows=12, animated=True, speed=2)
    before, animated = svg.split("@media (prefers-reduced-motion:no-preference)")
    assert "animation" not in before
    assert "g{animation:3.6s step-end both}" in animated
    assert "infinite" not in svg


def test_a_row_is_there_from_when_it_came_until_it_changed() -> None:
    events: list[Event] = [Output(0, "a"), Typed(5, "b"), Output(10, "\n")]
    svg = picture(events, columns=20, rows=4, animated=True)
    assert texts(svg) == ["shellplay", "a", "ab"]
    assert "@keyframes k0{0.00%{visibility:visible}50.00%{visibility:hidden}}" in svg
    assert "@keyframes k1{0.00%{visibility:hidden}50.00%{visibility:visible}}" in svg
    # Without motion only the last screen is seen.
    assert "\n.k0{visibility:hidden}" in svg


@pytest.mark.parametrize("events", [[], [Output(0, "\n")], [Output(3, "x")]])
@pytest.mark.parametrize("animated", [False, True])
def test_little_makes_a_picture_too(events: Iterable[Event], *, animated: bool) -> None:
    ElementTree.fromstring(picture(events, animated=animated))


@given(st.text(st.characters(exclude_categories=[]), max_size=50))
def test_any_output_makes_well_formed_xml(text: str) -> None:
    ElementTree.fromstring(still(Output(0, text)).encode())


def test_the_picture_of_the_readme_is_made_from_its_recording() -> None:
    with (DOCS / "session.cast").open("rb") as file:
        cast = Reader(file, "session.cast")
        made = picture(
            cast,
            title=cast.header.title,
            columns=cast.header.columns,
            rows=cast.header.rows,
            animated=True,
            speed=2,
        )
    assert (DOCS / "session.svg").read_text(encoding="utf-8") == made
