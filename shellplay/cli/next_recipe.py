"""Offer the next recipe of the course after one that was replayed to its end."""

from __future__ import annotations

import sys

from shellplay.cast.length import minutes
from shellplay.cmdline.key_press import is_enter_pressed
from shellplay.cmdline.printer import Printer
from shellplay.commands import completed_recipes
from shellplay.commands.requirements import unmet
from shellplay.errors import ShellplayError
from shellplay.recipe.shipped import Shipped, shipped


def complete(seen: Shipped) -> None:
    """Remember that the user has seen a recipe to its end."""
    completed_recipes.add(seen.name, [each.name for each in shipped()])


def following(seen: Shipped) -> Shipped | None:
    """Return the next recipe of the course that can be performed here; None: no more."""
    course = shipped()
    names = [each.path for each in course]
    for each in course[names.index(seen.path) + 1 :]:
        try:
            if unmet(each.header) is None:
                return each
        except (ShellplayError, OSError):
            # `recipes` shows what is wrong with it.
            continue
    return None


def is_wanted(coming: Shipped, printer: Printer) -> bool:
    """Offer a recipe, and wait for one key: return whether it is Enter."""
    length = minutes(coming.recipe)
    printer.show(f"\nNext: replay {coming.name} ({length} min) [Enter], any other key leaves")
    return is_enter_pressed(sys.stdin.fileno())
