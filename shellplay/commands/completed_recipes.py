"""The names of the recipes that the user has seen to their end, in a file of their state."""

from __future__ import annotations

from collections.abc import Iterable

from shellplay.directories import base_directory
from shellplay.kernel import private_files

LONGEST = 1 << 16


def completed(known: Iterable[str]) -> set[str]:
    """Return those of the known names that the file lists; none if it cannot be read."""
    path = _path()
    content = private_files.load(path, LONGEST) if path else None
    lines = (content or b"").decode("utf-8", "replace").splitlines()
    return set(known).intersection(lines)


def add(name: str, known: Iterable[str]) -> None:
    """Add a name to the file, which keeps known names only; do nothing if that fails."""
    path = _path()
    if path is not None:
        names = completed(known) | {name}
        private_files.save(path, "".join(f"{each}\n" for each in sorted(names)).encode())


def _path() -> str | None:
    state = base_directory("XDG_STATE_HOME", ".local/state")
    return None if state is None else f"{state}/completed"
