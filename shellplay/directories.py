"""The user's directories: ~ in a path, see getpwnam(3), and the XDG base directories."""

from __future__ import annotations

import os
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


def base_directory(variable: str, below_home: str) -> Path | None:
    """Return our directory below the one that ``variable`` names, or below the home.

    None if the user has no home: a uid that no account is of, and no HOME.
    """
    given = os.environ.get(variable, "")
    if given.startswith("/"):
        return Path(given, "shellplay")
    try:
        return Path.home() / below_home / "shellplay"
    except RuntimeError:
        return None
