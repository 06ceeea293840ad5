"""Write recipes for tests, and run the real program on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from shellplay.recipe.document import Actor, Conditions, Header, Recipe, Step
from shellplay.recipe.parse import parse
from shellplay.stage.perform.performance import Performance
from shellplay.stage.perform.stage import Stage
from shellplay.stage.report.report import Report
from tests.repl.program import environment


def step(
    actor: Actor, text: str, *, container: str | None = None, timeout: float | None = None
) -> Step:
    """Return a step that expects nothing."""
    return Step(actor, text, container, Conditions(timeout=timeout))


def text(block: str, **header: object) -> str:
    """Return the text of a recipe with one block; the header values are TOML."""
    lines = "".join(f"{name} = {value}\n" for name, value in header.items())
    return f"+++\nshellplay = 1\n{lines}+++\n\n# A title\n\n```shellplay\n{dedent(block)}```\n"


def recipe(block: str, **header: object) -> Recipe:
    """Return a recipe of one block."""
    return parse(text(block, **header), "x.play.md")


def performed(block: str, **header: object) -> Report:
    """Perform a recipe of one block in this process."""
    found = recipe(block, **header)
    with Stage(found.header) as stage:
        return Performance(found, stage).run()


def write(folder: Path, name: str, block: str, **header: object) -> Path:
    """Write a recipe of one block to a file."""
    path = folder / f"{name}.play.md"
    path.write_text(text(block, **header))
    return path


def program(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run shellplay to its end, in another directory if one is given."""
    return subprocess.run(
        [sys.executable, "-m", "shellplay", *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        cwd=cwd,
        timeout=100,
        check=False,
    )


__all__ = ["Header", "performed", "program", "recipe", "step", "text", "write"]
