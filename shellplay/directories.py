"""The user's directories: ~ in a path (getpwnam(3)), and the XDG base directories."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shellplay.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Return a path with ~ replaced by the home directory; UsageError if there is none."""
    # Loaded here: every start asks for a base directory, and few commands expand a path.
    from pathlib import Path

    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"nobody has the home directory in {str(path)!r}", "write the whole path"
        ) from error


def base_directory(variable: str, below_home: str) -> str | None:
    """Return shellplay's directory below an XDG base directory, by default below the home.

    ``variable`` holds the base directory.  None if there is no home: HOME is not set, and no
    account has this UID.
    """
    given = os.environ.get(variable, "")
    if given.startswith("/"):
        return os.path.join(given, "shellplay")
    home = os.path.expanduser("~")
    return None if home == "~" else os.path.join(home, below_home, "shellplay")
