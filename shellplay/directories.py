"""The home directory that a ~ at the beginning of a path stands for, see getpwnam(3)."""

from __future__ import annotations

from pathlib import Path

from shellplay.errors import UsageError


def expanded(path: str | Path) -> Path:
    """Return a path with the home directory in it; raise UsageError if there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"nobody has the home directory in {str(path)!r}", "write the whole path"
        ) from error
