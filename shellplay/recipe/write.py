"""Write a `Recipe` as the text of an article, in its one canonical form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shellplay.errors import UsageError
from shellplay.recipe import condition, duration, header
from shellplay.recipe.document import (
    Block,
    Comment,
    Direction,
    Header,
    Part,
    Prose,
    Recipe,
    Step,
)
from shellplay.recipe.parse import LANGUAGE, parse


def write(recipe: Recipe) -> str:
    """Return the text of a recipe; `parse` reads it back as an equal recipe.

    Raises `UsageError` if no text does this: if a command ends in ``(lit)``, or if prose
    contains the start of a block.
    """
    text = "\n".join([write_header(recipe.header), *map(write_part, recipe.parts)])
    if parse(text, recipe.path) != recipe:
        raise UsageError("something in this recipe would be read as something else")
    return text


def write_header(found: Header) -> str:
    """Return the lines of a header, with both ``+++`` lines."""
    return f"{header.FENCE}\n{header.write(found)}{header.FENCE}\n"


def write_part(part: Part) -> str:
    """Return the lines of a part; the caller puts an empty line between two parts."""
    match part:
        case Prose():
            return f"{part.text}\n"
        case Direction():
            value = "" if part.seconds is None else f" {duration.text(part.seconds)}"
            return f"<!-- play: {part.name}{value} -->\n"
        case Block():
            return _block(part)


def write_step(step: Step) -> str:
    """Return the lines of a step: conditions, command, expected lines and exit status."""
    first, *more = step.text.split("\n")
    lines = [*condition.write(step.conditions), f"{step.actor_text} {first}"]
    lines += [f"> {line}" if line else ">" for line in more]
    lines += [expected.text for expected in step.expected]
    lines += [f"[{step.status}]"] if step.status else []
    return "".join(f"{line}\n" for line in lines)


def _block(block: Block) -> str:
    text = "".join(_items(block))
    fences = re.findall(r"^ {0,3}(`{3,})[ \t]*$", text, re.MULTILINE)
    fence = "`" * max(3, *(len(inner) + 1 for inner in fences), 0)
    return f"{fence}{LANGUAGE}{f' {block.flow}' if block.flow else ''}\n{text}{fence}\n"


def _items(block: Block) -> Iterator[str]:
    for item in block.items:
        if isinstance(item, Comment):
            yield f"# {item.text}\n" if item.text else "#\n"
        else:
            yield write_step(item)
