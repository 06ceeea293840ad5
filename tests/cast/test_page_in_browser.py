"""The page in a real Chromium, from a file and without a network.

They run where a Chromium and the ``browser`` extra are installed: ``pytest -m browser``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shellplay.cast.events import Prompt, Typed
from shellplay.cast.page import page
from tests.cast.performance import COLUMNS, ROWS, performance
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]
STEP_TIMES = [1.3, 3.8, 4.7, 7.3]


class Player:
    """A page in the browser, and what a person sees and does there."""

    def __init__(self, browser: Browser, path: Path, **options: object) -> None:
        self.complaints: list[str] = []
        context = browser.new_context(offline=True, **options)
        context.set_default_timeout(20_000)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._heard)
        self.url = path.as_uri()
        self.page.goto(self.url)

    def _heard(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(f"fetched {request.url}")

    @property
    def time(self) -> float:
        """Where the player is, in seconds."""
        return float(self.page.locator("#position").input_value())

    @property
    def rows(self) -> list[str]:
        """The rows of the terminal down to the last that is not empty."""
        rows = [row.rstrip() for row in self.page.locator("#rows > div").all_text_contents()]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def press(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self.page.keyboard.press(key)

    def shows(self, selector: str, text: str) -> None:
        """Wait until an element has this text."""
        sync_api.expect(self.page.locator(selector)).to_have_text(text, timeout=20_000)

    def tiles(self, container: str) -> dict[str, str]:
        """Return the state of each layer of a container, as it is written."""
        strip = self.page.get_by_role("list", name=f"Fences of {container}")
        return {
            item.locator(".name").inner_text(): item.locator(".state").inner_text()
            for item in strip.get_by_role("listitem").all()
        }


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    # The sandbox of Chromium refuses to start as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "session.html"
    text = page(performance(), title="A session", columns=COLUMNS, rows=ROWS)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def player(browser: Browser, path: Path) -> Iterator[Player]:
    opened = Player(browser, path)
    yield opened
    assert opened.complaints == []
    assert opened.page.title() == "A session"


def test_it_plays_pauses_and_ends(player: Player) -> None:
    # The poster is the end of the session.
    assert player.time == 0
    assert "</script><script>document.title='broken'</script><!--" in player.rows
    player.page.get_by_role("button", name="Play").click()
    assert "</script><script>document.title='broken'</script><!--" not in player.rows
    wait_until(lambda: player.time > 0.6, "the player", timeout=30)
    player.page.get_by_role("button", name="Pause").click()
    sync_api.expect(player.page.get_by_role("button", name="Play")).to_be_visible()
    paused = player.time
    player.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert player.time == paused
    player.page.locator("#speed").select_option("4")
    player.page.get_by_role("button", name="Play").click()
    wait_until(lambda: player.time == 9, "the player", timeout=30)
    sync_api.expect(player.page.get_by_role("button", name="Play")).to_be_visible()
    assert "</script><script>document.title='broken'</script><!--" in player.rows


def test_space_plays_and_pauses(player: Player) -> None:
    player.press(" ")
    wait_until(lambda: player.time > 0.1, "the player", timeout=30)
    player.press(" ")
    sync_api.expect(player.page.get_by_role("button", name="Play")).to_be_visible()


def test_a_chapter_is_gone_to_by_its_link(player: Player) -> None:
    link = player.page.get_by_role("link", name="A fence around its PIDs")
    link.click()
    assert player.time == 2.5
    player.shows("#chapter", "A fence around its PIDs")
    assert link.get_attribute("aria-current") == "step"
    player.shows("#prose li >> nth=0", "one")
    assert player.rows == ["shellplay> new web", "web: bash 32011, no fences"]
    player.press("ArrowRight")
    link.click()
    assert player.time == 2.5


def test_an_address_with_a_time_opens_there(browser: Browser, path: Path) -> None:
    player = Player(browser, path)
    player.page.goto(f"{player.url}#t=4.7")
    player.shows("#label", "spawn sleep 1000 &")
    assert player.time == 4.7


def test_a_link_to_this_step_is_copied_and_opens_there(browser: Browser, path: Path) -> None:
    player = Player(browser, path)
    player.press("ArrowRight", "ArrowRight")
    player.page.get_by_role("button", name="Copy link to this step").click()
    sync_api.expect(player.page.locator("#copied")).to_have_text(re.compile("Link "))
    address = player.page.url
    assert address == f"{player.url}#t=3.800"
    player.press("ArrowRight")
    assert player.page.locator("#copied").text_content() == ""
    again = Player(browser, path)
    again.page.goto(address)
    again.shows("#label", "fence pid")
    assert player.complaints == again.complaints == []


def test_arrows_step_and_the_panel_follows(player: Player) -> None:
    player.shows("#count", "Before the first of 4 steps")
    labels = []
    for number, time in enumerate(STEP_TIMES, start=1):
        player.press("ArrowRight")
        assert player.time == time
        player.shows("#count", f"Step {number} of 4")
        labels.append(player.page.locator("#label").inner_text())
    assert labels == ["new web", "fence pid", "spawn sleep 1000 &", "echo </script>"]
    player.press("ArrowLeft", "ArrowLeft")
    assert player.time == STEP_TIMES[1]
    assert player.tiles("web")["pid"] == "fenced"
    assert player.rows[-1].startswith("web: pid fence up (forked)")
    player.press("ArrowLeft")
    assert player.tiles("web")["pid"] == "host"


def test_the_panel_shows_fences_shared_ones_and_both_pids(player: Player) -> None:
    player.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert player.tiles("web") == {
        **dict.fromkeys(["user", "mnt", "ipc", "cgroup", "time"], "host"),
        **dict.fromkeys(["uts", "pid"], "fenced"),
        "net": "shared, db",
    }
    table = player.page.get_by_role("table")
    rows = [row.inner_text().split() for row in table.get_by_role("row").all()[1:]]
    assert ["32014", "3", "sleep", "1000", "job,", "web"] in rows
    assert not [row for row in rows if "/sbin/init" in row]
    news = player.page.locator("#changes li").all_text_contents()
    assert "sleep 1000 is 32014 on the host, 3 inside" in news


def test_a_hostile_command_is_text(player: Player) -> None:
    player.press("End")
    command = player.page.locator(".command", has_text="onerror")
    assert command.inner_text() == "</script><img src=x onerror=alert(1)>"


def test_every_jump_shows_what_playing_would_show(player: Player) -> None:
    seen = {}
    for time in [*STEP_TIMES, 9.0]:
        player.press("ArrowRight")
        seen[time] = player.rows
    for time in (1.3, 7.3, 3.8, 9.0, 4.7):
        slider = player.page.get_by_role("slider", name="Position")
        slider.evaluate("(e, t) => { e.value = t; e.dispatchEvent(new Event('input')) }", time)
        assert player.rows == seen[time]


def test_the_keyboard_does_everything(player: Player) -> None:
    player.press("]")
    assert player.time == 2.5
    player.press("]")
    assert player.time == 6.0
    player.press("[")
    assert player.time == 2.5
    player.press("End")
    assert player.time == 9.0
    player.press("Home")
    assert player.time == 0.0
    speed = player.page.get_by_role("combobox", name="Speed")
    player.press(">", ">")
    assert speed.input_value() == "2"
    player.press("<", "<", "<", "<")
    assert speed.input_value() == "0.5"
    player.press("?")
    keys = player.page.get_by_role("dialog", name="Keys")
    sync_api.expect(keys).to_be_visible()
    player.press("ArrowRight")
    assert player.time == 0.0
    player.press("Escape")
    sync_api.expect(keys).to_be_hidden()


def test_tab_reaches_the_player_and_space_presses_what_is_focused(player: Player) -> None:
    for _ in range(20):
        player.press("Tab")
        if player.page.evaluate("document.activeElement.id") == "forth":
            break
    player.press(" ")
    assert player.time == STEP_TIMES[0]


def test_everything_has_a_name_for_those_who_do_not_see_it(player: Player) -> None:
    player.press("ArrowRight")
    tree = player.page.locator("body").aria_snapshot()
    for part in [
        'heading "A session" [level=1]',
        'region "Terminal"',
        'button "Play"',
        'button "Step back"',
        'button "Step forward"',
        'slider "Position"',
        'combobox "Speed"',
        'button "Keys"',
        'navigation "Chapters"',
        'complementary "Playground"',
        'list "Fences of web"',
        'columnheader "Host PID"',
    ]:
        assert part in tree, f"{part} is not in:\n{tree}"
    slider = player.page.get_by_role("slider", name="Position")
    assert slider.get_attribute("aria-valuetext") == "0:01 of 0:09, new web"
    assert player.page.locator(".step").get_attribute("aria-live") == "polite"
    assert "button:" not in tree.replace('button "', "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 900, 1440])
def test_it_fits_every_window(browser: Browser, path: Path, width: int, scheme: str) -> None:
    viewport = {"width": width, "height": 800}
    player = Player(browser, path, viewport=viewport, color_scheme=scheme)
    player.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert player.page.evaluate("document.documentElement.scrollWidth") <= width
    terminal = player.page.locator(".terminal").bounding_box()
    panel = player.page.locator(".panel").bounding_box()
    assert terminal
    assert panel
    if width < 992:
        assert panel["y"] >= terminal["y"] + terminal["height"]
    else:
        assert panel["x"] >= terminal["x"] + terminal["width"]
    assert player.complaints == []


def test_who_wants_less_motion_sees_whole_lines(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "typed.html"
    keys = [Typed(1 + place / 10, key) for place, key in enumerate("ps\n")]
    path.write_text(page([Prompt(0.5, "> "), *keys], columns=20, rows=4), encoding="utf-8")
    for motion, shown in (("reduce", [">"]), ("no-preference", ["> ps"])):
        player = Player(browser, path, reduced_motion=motion)
        player.page.goto(f"{player.url}#t=1.15")
        assert player.rows == shown
        player.press("End")
        assert player.rows == ["> ps"]


def test_without_scripts_the_session_can_be_read(browser: Browser, path: Path) -> None:
    player = Player(browser, path, java_script_enabled=False)
    player.page.get_by_text("Read the session as text").click()
    text = player.page.locator(".transcript").inner_text()
    assert "shellplay> fence pid" in text
    assert "A new container is a bash with no fence at all" in text
