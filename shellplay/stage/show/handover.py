"""The live bash of a performance, lent to whoever watches."""

from __future__ import annotations

import os
import shlex

from shellplay.cmdline.printer import Printer
from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.model import ShellState
from shellplay.stage.perform.stage import Stage
from shellplay.stage.show.keyboard import Keyboard


def hand_over(stage: Stage, keyboard: Keyboard, printer: Printer) -> str:
    """Give the terminal to the current bash until the detach key; say what came of it.

    Meanwhile it knows what terminal that is, so that programs can draw on it; then
    everything is again as the recipe has it, and a half-typed line is gone.  Raises Refused
    if there is no bash.
    """
    container = stage.playground.current
    if container is None:
        raise Refused("there is no live bash yet")
    key = container.settings.detach_key.replace("C-", "Ctrl-")
    printer.show(f"\n{container.label}: the bash is yours; {key} gives it back")
    _tell(container, f"TERM={shlex.quote(os.environ.get('TERM', ''))}")
    left = container.enter(typeahead=keyboard.take())
    keyboard.give_back(left.unread)
    around = container.settings.surroundings
    _tell(container, f"READLINE_LINE= READLINE_POINT=0 TERM={shlex.quote(around.term)}")
    if not container.dead:
        container.terminal.resize(around.columns, around.rows)
    ended = " ".join(stage.playground.notices())
    return ended or f"{container.label}: given back, the performance goes on"


def _tell(container: Container, script: str) -> None:
    """Have bash run something unseen, if it is idle."""
    if container.state is ShellState.IDLE:
        with container.attended():
            container.terminal.ask(script, alive=container.live.pidfd)
