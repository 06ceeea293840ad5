"""Fixtures of the end-to-end tests: a terminal with a container, and a screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.screen import AS_FOR_A_PERSON, Screen
from tests.terminal import Terminal


@pytest.fixture
def web(terminal: Terminal) -> Terminal:
    """A terminal whose current container is ``web``, with no fence."""
    assert terminal.run("new web")[0] == 0
    return terminal


@pytest.fixture
def open_screen(
    open_terminal: Callable[..., Terminal], tmp_path: Path
) -> Callable[..., tuple[Terminal, Screen]]:
    """``open_screen(columns=80, lines=24)`` starts the program as a person sees it.

    That person has been here before, unless ``new`` is said.
    """

    def start(
        columns: int = 80, lines: int = 24, *, new: bool = False
    ) -> tuple[Terminal, Screen]:
        state = tmp_path / "state" / "shellplay"
        if not new:
            state.mkdir(parents=True, exist_ok=True)
            (state / "welcomed").touch()
        terminal = open_terminal(
            columns=columns,
            lines=lines,
            environment={
                **AS_FOR_A_PERSON,
                "NO_COLOR": "",
                "TERM": "xterm-256color",
                "XDG_STATE_HOME": str(state.parent),
            },
        )
        return terminal, Screen(terminal, columns, lines)

    return start
