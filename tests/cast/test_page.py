"""The page as a file: whole, its own, and nobody else's."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser

import pytest

from shellplay.cast import palette
from shellplay.cast.events import Event, Heading, Narration, Output
from shellplay.cast.page import page
from shellplay.cast.palette import CONTRAST, DARK, LIGHT, Scheme, contrast, visible_colors
from shellplay.cast.screen_states import Style
from shellplay.errors import UsageError
from tests.cast.performance import performance

PAGE = page(performance(), title="A <b>title</b>", columns=80, rows=12)
EVIL = "</script><script>alert(1)</script><!-- ]]> &amp; \x1b]0;x\x07 $title ${title}"


class Elements(HTMLParser):
    """All elements of a page, and its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        self.found.append((tag, dict(attrs)))
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_data(self, data: str) -> None:
        """Take text."""
        if self.cdata_elem in self.inside:
            self.inside[self.cdata_elem][-1] += data


def test_nothing_is_fetched_and_nothing_runs_but_our_own() -> None:
    elements = Elements(PAGE)
    for tag, attributes in elements.found:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in ("src", "href"):
                assert str(value).startswith(("#", "data:")), (tag, value)
    assert "@import" not in PAGE
    assert "url(" not in PAGE


def test_the_policy_allows_our_two_texts_by_their_digests() -> None:
    elements = Elements(PAGE)
    policy = next(a["content"] for _, a in elements.found if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for text in (elements.inside["style"][0], elements.inside["script"][1]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_hostile_text_stays_text_everywhere() -> None:
    events: list[Event] = [Heading(0, EVIL), Narration(0, EVIL), Output(1, EVIL)]
    elements = Elements(page(events, title=EVIL))
    assert [tag for tag, _ in elements.found].count("script") == 2
    assert "alert(1)" in elements.inside["script"][0]
    assert json.loads(elements.inside["script"][0])["headings"][0][1].startswith("</script>")


@pytest.mark.parametrize(
    "markdown",
    [
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "![a](http://example.org/x.png)",
        "a | b\n:--|--:\n1 | 2\n",
        "```\n<script>\n```",
    ],
)
def test_prose_brings_no_element_that_acts(markdown: str) -> None:
    text = page([Narration(0, markdown)])
    prose = json.loads(Elements(text).inside["script"][0])["narration"][0][1]
    for tag, attributes in Elements(prose).found:
        assert tag not in ("img", "script", "iframe", "style")
        assert not {"style", "onerror", "src"} & set(attributes)
        assert not str(attributes.get("href", "")).startswith("javascript")


def test_the_transcript_holds_the_session_without_escape_sequences() -> None:
    transcript = PAGE.split('<details class="transcript">')[1].split("</details>")[0]
    assert "<h3>A bash without a fence</h3>" in transcript
    assert "<strong>bash</strong>" in transcript
    assert "shellplay&gt; fence pid" in transcript
    assert "bold orange green" in transcript
    assert "[1m" not in transcript


def test_the_frames_lead_to_what_the_terminal_shows_at_the_end() -> None:
    data = json.loads(Elements(PAGE).inside["script"][0])
    rows = [0] * 12
    for _, _, changed, _, _, _ in data["frames"]:
        for row, line in changed:
            rows[row] = line
    text = ["".join(part for part, _ in data["lines"][line]).rstrip() for line in rows]
    assert text[:4] == [
        "shellplay> new web",
        "web: bash 32011, no fences",
        "shellplay> fence pid",
        "web: pid fence up (forked), pid:[4026532235], bash is 1 inside",
    ]


def test_an_empty_performance_is_a_page_too() -> None:
    assert '"frames": []' in page([])


def test_without_the_emulator_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyte", None)
    with pytest.raises(UsageError, match=re.escape("pip install 'shellplay[html]'")):
        page([])


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_every_colour_can_be_read_on_every_other(scheme: Scheme) -> None:
    names = ["", "foreground", "background", *scheme.named, "0000ff", "ffff00", "808080"]
    for foreground in names:
        for background in names:
            text, behind = visible_colors(Style(foreground, background), scheme)
            assert contrast(text, behind or scheme.background) >= CONTRAST, (
                foreground,
                background,
            )


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("ffffff", "000000") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)
    assert palette.make_readable("ffffff", "000000") == "ffffff"
