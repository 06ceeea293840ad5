"""Ask the user before a recipe runs that does not come with shellplay."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from shellplay.cmdline.printer import Printer
from shellplay.errors import Refused
from shellplay.recipe.document import Recipe
from shellplay.stage.perform.host_effects import Effect, Reach, effects
from shellplay.views.sanitize import safe_line

TITLES = {
    Reach.HOST: "on the host, outside of every fence:",
    Reach.INSIDE: "in a bash, which reaches what its fences leave, at first everything:",
}
YES = ("y", "yes")


def require(recipe: Recipe, printer: Printer, *, given: bool, can_ask: bool) -> None:
    """Show the lines of a recipe that reach beyond fences, and ask whether to run it.

    No question is needed if consent is ``given`` already or no line reaches so far.  Raises
    `Refused` if the user does not consent, or if nobody can be asked (not ``can_ask``).
    """
    all_effects = list(effects(recipe))
    if given or not all_effects:
        return
    name = safe_line(recipe.path)
    user = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    printer.show(f"{name} does not come with shellplay. It will run, as {user},")
    for reach in TITLES:
        printer.show("\n".join(_lines(all_effects, reach)))
    if not can_ask:
        raise Refused(
            f"{name} is not run: nobody is there to be asked", "if you trust it: --yes"
        )
    printer.write("Run it? [y/N] ")
    if sys.stdin.readline().strip().lower() not in YES:
        raise Refused(f"{name} is not run")


def _lines(all_effects: list[Effect], reach: Reach) -> Iterator[str]:
    chosen = [effect for effect in all_effects if effect.reach is reach]
    if chosen:
        yield f"  {TITLES[reach]}"
    for effect in chosen:
        first, *more = effect.text.split("\n")
        position = f"line {effect.line}" if effect.line else "header"
        yield f"    {position:>9}  {safe_line(first)}"
        yield from (f"    {'':9}  > {safe_line(each)}" for each in more)
        yield from (f"    {'':9}    {safe_line(each)}" for each in effect.what)
