"""What is printed inside does nothing to the user's terminal but draw (CVE-2021-25743)."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from shlex import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.views.control_sequences import ControlSequenceFilter, strip_sequences
from shellplay.views.sanitize import safe_line
from tests.program.conftest import Run
from tests.repl.program import environment

# With a control character in the middle, which a terminal executes before it goes on.
SPLIT = ["\x1b\b]52;c;ZXZpbA==\x07", "\x1b[\n6n", "\x1b[6\x07n", "\x1b\x0b]0;evil\x1b\\"]
REPORTS = ["\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b[=c", "\x1b[?996n", "\x05", "\x1bZ", "\x9b6n"]
MODES = ["\x1b[?1000h", "\x1b[?1006;1003h", "\x1b[?25;1000h", "\x1b[20h", "\x1b[?3h", "\x1b[5i"]
STRINGS = [
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=1;AAAA\x1b\\",
    "\x1b^x\x9c",
    "\x1bXx\x1b\\",
    "\x90q\x9c",
]
LONG = ["\x1b[" + "1;" * 300 + "m", "\x1b[99999999b", "\x1b[" + "9" * 1000 + "A"]
HARM = [
    *SPLIT,
    *REPORTS,
    *MODES,
    *STRINGS,
    *LONG,
    "\x1b[8;1;1t",
    "\x1b]0;evil\x07",
    "\x1bc\x1b|",
]
EVIL = "printf '\\033]0;evil\\007\\033[6n\\033]52;c;ZXZpbA==\\007\\033[31mred\\033[0m\\n'"


@pytest.mark.parametrize("harm", HARM, ids=[repr(each)[1:12] for each in HARM])
def test_of_a_sequence_that_does_not_draw_nothing_is_left(harm: str) -> None:
    for cut in range(min(len(harm), 20) + 1):
        kept = ControlSequenceFilter()
        shown = "".join(map(kept.feed, ("a", harm[:cut], harm[cut:], "\x1b\\b")))
        rest = shown.removeprefix("a").removesuffix("b").removeprefix("\x1bc")
        assert set(rest) <= set("\a\b\n\v"), (cut, shown)


@given(st.text(alphabet="\x1b\x18\a\b\n[]P_^X?;:0126c n\x90\x9b\x9c\\mHhlA x"))
def test_what_is_left_is_safe_however_it_was_mixed(text: str) -> None:
    once = ControlSequenceFilter().feed(text)
    assert ControlSequenceFilter().feed(once) == once
    assert "\x05" not in once
    assert not set(strip_sequences(text)) & set("\x1b\x9b\x9d\x90\a\b\x18")
    pieces = ControlSequenceFilter()
    assert "".join(map(pieces.feed, text)) == once


@pytest.mark.parametrize(
    "line", [f"exec sh -c {quote(EVIL)}", f"in {EVIL}"], ids=["exec", "in"]
)
def test_a_program_inside_does_not_reach_the_terminal(line: str) -> None:
    seen = on_a_terminal("new", line)
    assert "red" in seen
    assert "\x1b]" not in seen
    assert "\x1b[6n" not in seen


def on_a_terminal(*lines: str) -> str:
    """Return what a terminal gets of lines whose keys come from elsewhere."""
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "shellplay", "--no-config", "-c", "; ".join(lines)]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment()
    ) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # EIO: nobody has it open any more
            while piece := os.read(ours, 65536):
                seen += piece
        os.close(ours)
        assert process.wait() == 0
    return seen.decode()


@pytest.mark.everyone
def test_names_that_are_chosen_inside_are_shown_as_text(container: Container, run: Run) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["uts"]())
    container.run("hostname $'evil\\e]0;x\\a'; exec -a $'evil\\e[2J\\r' sleep 1000 & disown")
    for line in ("ps", "ps -l", "fences", "inspect", "tree", "containers", "logs", "stats"):
        told = run(f"{line} -c box" if line not in ("containers", "tree") else line).told
        assert not set(told) & set("\x1b\a\b"), line
    assert "\x1b" not in safe_line("\x1b[2J")
