"""Check the scope of tags: an earlier expected line must bind each name that is used."""

from __future__ import annotations

from shellplay.errors import RecipeError
from shellplay.nearest import nearest
from shellplay.recipe import tag
from shellplay.recipe.document import Recipe, Step
from shellplay.recipe.pattern import pattern


def check_names(recipe: Recipe) -> None:
    """Check all names in commands and ``% distinct``.

    Raises `RecipeError` for a name that no earlier line binds.
    """
    known: set[str] = set()
    for step in recipe.steps:
        _check_command(step, known, recipe.path)
        for expected in step.expected:
            known |= {each.name for each in pattern(expected.text).tags if each.name}
        for name in step.conditions.distinct:
            if name not in known:
                message = f"% distinct: nothing up to here binds {name}"
                raise RecipeError(message, step.line, 1, recipe.path, _fix(name, known))


def _check_command(step: Step, known: set[str], path: str) -> None:
    indent = len(step.actor_text) + 1
    for at, line in enumerate(step.text.split("\n")):
        for name, column in tag.names_in(line):
            if name not in known:
                message = f"nothing above binds {name}"
                column += 2 if at else indent
                raise RecipeError(message, step.line + at, column, path, _fix(name, known))


def _fix(name: str, known: set[str]) -> str:
    if near := nearest(name, sorted(known)):
        return f'did you mean "{near}"?'
    return f"let a line of output above have it, as <pid:{name}>"
