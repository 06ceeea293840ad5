"""The indexes of the package: write them anew from what they list.

Run as ``python -m tests.index``; the tests call ``written`` and compare.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from shellplay import fences
from shellplay.fences.base.fence import LOADED

PACKAGE = Path(__file__).parent.parent / "shellplay"
FENCES = PACKAGE / "fences" / "index.py"
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
    for path in sorted((PACKAGE / "fences").glob("*.py")):
        import_module(f"{fences.__name__}.{path.stem}")
    known = [kind for kind in fences.ORDER if kind in LOADED]
    for kind in (*known, *sorted(LOADED.keys() - known)):
        fence = LOADED[kind]
        hides = (fence.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        aliases = f", {fence.aliases!r}" if fence.aliases else ""
        yield f"{kind!r}: Entry({hides!r}, {fence.man!r}{aliases}),\n"


if __name__ == "__main__":
    FENCES.write_text(written(FENCES, fence_entries()))
