"""Where a user's own files stand, as the XDG base directory specification has it."""

import os
from pathlib import Path


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
