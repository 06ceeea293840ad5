"""Lend the live bash of a performance to the viewer."""

from __future__ import annotations

import os
import shlex

from shellplay.cmdline.phrases import bar_of
from shellplay.cmdline.printer import Printer
from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.model import ShellState
from shellplay.stage.perform.stage import Stage
from shellplay.stage.show.keyboard import Keyboard


def hand_over(stage: Stage, keyboard: Keyboard, printer: Printer) -> str:
    """Connect the viewer's terminal with the current bash until the detach key.

    Meanwhile TERM is that of the viewer's terminal, so that programs can draw on it.
    Afterwards TERM and the size are those of the recipe, and a half-typed line is cleared.
    Return a sentence about what has happened.  Raises `Refused` if there is no bash.
    """
    container = stage.playground.current
    if container is None:
        raise Refused("there is no live bash yet")
    key = container.settings.detach_key.replace("C-", "Ctrl-")
    printer.show(f"\n{container.label}: the bash is yours; {key} gives it back")
    _run_hidden(container, f"TERM={shlex.quote(os.environ.get('TERM', ''))}")
    left = container.enter(typeahead=keyboard.take(), bar=bar_of(container))
    keyboard.give_back(left.unread)
    surroundings = container.settings.surroundings
    term = shlex.quote(surroundings.term)
    _run_hidden(container, f"READLINE_LINE= READLINE_POINT=0 TERM={term}")
    if not container.dead:
        container.terminal.resize(surroundings.columns, surroundings.rows)
    notices = " ".join(stage.playground.notices())
    return notices or f"{container.label}: given back, the performance goes on"


def _run_hidden(container: Container, script: str) -> None:
    """Let bash run a script without echo and output, if bash is idle."""
    if container.state is ShellState.IDLE:
        with container.attended():
            container.terminal.ask(script, alive=container.live.pidfd)
