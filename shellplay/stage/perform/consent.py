"""Whoever replays the recipe of a stranger sees first what it will run, and is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from shellplay.cmdline.printer import Printer
from shellplay.errors import Refused
from shellplay.recipe.document import Recipe
from shellplay.stage.perform.host_effects import Deed, Reach, deeds
from shellplay.views.sanitize import safe_line

TITLES = {
    Reach.HOST: "on the host, outside of every fence:",
    Reach.INSIDE: "in a bash, which reaches what its fences leave, at first everything:",
}
WANTED = ("y", "yes")


def obtain(recipe: Recipe, printer: Printer, *, given: bool, can_ask: bool) -> None:
    """Show what a recipe will run and ask, unless consent is ``given``.

    Raises Refused without it.
    """
    doing = list(deeds(recipe))
    if given or not doing:
        return
    name = safe_line(recipe.path)
    who = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    printer.show(f"{name} does not come with shellplay. It will run, as {who},")
    for reach in TITLES:
        printer.show("\n".join(_listed(doing, reach)))
    if not can_ask:
        raise Refused(
            f"{name} is not run: nobody is there to be asked", "if you trust it: --yes"
        )
    printer.prompt("Run it? [y/N] ")
    if sys.stdin.readline().strip().lower() not in WANTED:
        raise Refused(f"{name} is not run")


def _listed(doing: list[Deed], reach: Reach) -> Iterator[str]:
    chosen = [deed for deed in doing if deed.reach is reach]
    if chosen:
        yield f"  {TITLES[reach]}"
    for deed in chosen:
        first, *more = deed.text.split("\n")
        place = f"line {deed.line}" if deed.line else "header"
        yield f"    {place:>9}  {safe_line(first)}"
        yield from (f"    {'':9}  > {safe_line(each)}" for each in more)
