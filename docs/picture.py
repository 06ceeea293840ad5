"""Draw docs/session.svg: a real session in a real terminal, recorded and rendered.

Run as root in a checkout with the test extra: ``python docs/picture.py``.
"""

from __future__ import annotations

import os
import re
import sys
from io import StringIO
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 96, 38
SESSION = (
    *("new web", "fence pid", "fence mnt", "fence uts hostname=web", "in ps -eaf"),
    *("spawn sleep 1000 &", "spawn sleep 1000 &", "ps host", "fences"),
)
READY = b"\x1b]133;B"
PROMPT_TIMEOUT = 15
WEB_FONT = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


def record() -> pyte.Screen:
    """Play the session in the real program and return the screen at its end."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    environment = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
    program = pexpect.spawn(
        sys.executable,
        ["-m", "shellplay", "--no-config"],
        env=environment,
        dimensions=(ROWS, COLUMNS),
        timeout=PROMPT_TIMEOUT,
    )
    for line in SESSION:
        program.expect_exact(READY)
        stream.feed(program.before + program.after + b"\x07")
        program.send(line + "\r")
    program.expect_exact(READY)
    stream.feed(program.before + program.after + b"\x07")
    program.sendeof()
    program.expect(pexpect.EOF)
    return screen


def painted(screen: pyte.Screen) -> Text:
    """Return the screen with its colours."""
    text = Text()
    for row in range(ROWS):
        cells = [screen.buffer[row][column] for column in range(COLUMNS)]
        for cell in cells:
            text.append(cell.data, _style(cell))
        text.append("\n")
    text.rstrip()
    return text


def _style(cell: pyte.screens.Char) -> str:
    parts = ["bold"] if cell.bold else []
    parts += ["reverse"] if cell.reverse else []
    front, back = (_colour(name) for name in (cell.fg, cell.bg))
    parts += [front] if front else []
    parts += [f"on {back}"] if back else []
    return " ".join(parts)


def _colour(name: str) -> str:
    if name == "default":
        return ""
    named = {"brown": "yellow"}.get(name, name)
    return f"#{name}" if re.fullmatch(r"[0-9a-f]{6}", name) else re.sub(
        r"^bright(?=[a-z])", "bright_", named
    )  # fmt: skip


def main() -> None:
    """Record, draw, and write the picture."""
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(painted(record()))
    picture = WEB_FONT.sub("", console.export_svg(title="shellplay"))
    Path(__file__).with_name("session.svg").write_text(picture)


if __name__ == "__main__":
    main()
