"""The user's directories: ~ in a path, see getpwnam(3), and the XDG base directories."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shellplay.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Return a path with the home directory in it; raise UsageError if there is none."""
    # Loaded here: every start asks for a base directory, and few expand a path.
    from pathlib import Path

    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"nobody has the home directory in {str(path)!r}", "write the whole path"
        ) from error


def base_directory(variable: str, below_home: str) -> str | None:
    """Return our directory below the one that ``variable`` names, or below the home.

    None if the user has no home: a uid that no account is of, and no HOME.
    """
    given = os.environ.get(variable, "")
    if given.startswith("/"):
        return os.path.join(given, "shellplay")
    home = os.path.expanduser("~")
    return None if home == "~" else os.path.join(home, below_home, "shellplay")
