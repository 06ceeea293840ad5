"""The indexes of the package: write them anew from what they list.

Run as ``python -m tests.index``; the tests call ``written`` and compare.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from shellplay import commands, fences
from shellplay.cmdline import index, registry
from shellplay.fences.base.fence import LOADED

PACKAGE = Path(__file__).parent.parent / "shellplay"
FENCES = PACKAGE / "fences" / "index.py"
COMMANDS = PACKAGE / "cmdline" / "index.py"
HOW_TO = "python -m tests.index"


def written(index: Path, entries: Iterable[str]) -> str:
    """Return the text of an index with these entries in the place of those that it has."""
    before, mark, after = index.read_text().partition(" = {\n")
    _, end, rest = after.partition("\n}\n")
    text = before + mark + "".join(entries) + (end.lstrip("\n") or "}\n") + rest
    ruff = [sys.executable, "-m", "ruff", "format", "-", "--stdin-filename", str(index)]
    return subprocess.run(
        ruff, input=text, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def fence_entries() -> Iterator[str]:
    """Yield an entry for each fence, in the order of the index; new ones come last."""
    _load_all(fences)
    for kind in _in_order(fences.ORDER, LOADED):
        fence = LOADED[kind]
        effect = (fence.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        aliases = f", {fence.aliases!r}" if fence.aliases else ""
        yield f"{kind!r}: Entry({effect!r}, {fence.man!r}{aliases}),\n"


def command_entries() -> Iterator[str]:
    """Yield an entry for each command, in the order of the index; new ones come last."""
    _load_all(commands)
    for name in _in_order(index.COMMANDS, registry.LOADED):
        command = registry.LOADED[name]
        module = command.function.__module__.rpartition(".")[2]
        takes_value = {
            spelling: option.argument is not None
            for spelling, (_, option) in command.options.items()
        }
        rest = f", rest={takes_value!r}" if command.takes_rest else ""
        aliases = f", {command.aliases!r}" if command.aliases else ""
        alone = ", alone=True" if command.alone else ""
        summary = f"{command.group!r}, {command.summary!r}"
        yield f"{name!r}: Entry({module!r}, {summary}{aliases}{rest}{alone}),\n"


def _load_all(package: ModuleType) -> None:
    for path in sorted(Path(package.__path__[0]).glob("*.py")):
        import_module(f"{package.__name__}.{path.stem}")


def _in_order(listed: Iterable[str], found: Iterable[str]) -> list[str]:
    known = [each for each in listed if each in found]
    return [*known, *sorted(set(found) - set(known))]


if __name__ == "__main__":
    FENCES.write_text(written(FENCES, fence_entries()))
    COMMANDS.write_text(written(COMMANDS, command_entries()))
