"""What asciinema's own player for the web makes of our casts.

It runs where ``npm install asciinema-player`` was done and ASCIINEMA_PLAYER names the
directory ``node_modules/asciinema-player/dist/bundle``.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path

import pytest

from shellplay.cast.asciicast import Header, Writer
from tests.cast.performance import COLUMNS, ROWS, performance
from tests.waiting import wait_until

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BUNDLE = os.environ.get("ASCIINEMA_PLAYER")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.skipif(BUNDLE is None, reason="ASCIINEMA_PLAYER names no asciinema-player"),
]
PAGE = """<!DOCTYPE html><meta charset="utf-8"><div id="place"></div>
<script src="{script}"></script>
<script>
const place = document.getElementById("place");
const player = AsciinemaPlayer.create({{data: {cast}}}, place, {{speed: 20}});
let facts = null, ended = false;
player.addEventListener("metadata", (metadata) => {{ facts = metadata; }});
player.addEventListener("ended", () => {{ ended = true; }});
player.play();
</script>
"""


@pytest.mark.parametrize("version", [2, 3])
def test_asciinema_player_plays_text_and_markers(tmp_path: Path, version: int) -> None:
    file = io.BytesIO()
    writer = Writer(file, Header(COLUMNS, ROWS + 8, version=version))
    for event in performance():
        writer(event)
    cast = json.dumps(file.getvalue().decode()).replace("<", r"\u003c")
    path = tmp_path / "player.html"
    script = (Path(str(BUNDLE)) / "asciinema-player.min.js").resolve().as_uri()
    path.write_text(PAGE.format(script=script, cast=cast), encoding="utf-8")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        page.goto(path.as_uri())
        wait_until(lambda: page.evaluate("ended"), "the end", timeout=60)
        facts = page.evaluate("facts")
        text = page.locator("#place").inner_text()
        browser.close()
    assert facts["duration"] == 9
    assert facts["markers"][1] == [2.5, "A fence around its PIDs"]
    assert "web: bash 32011, no fences" in text
