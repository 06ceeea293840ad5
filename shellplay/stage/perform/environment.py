"""What a recipe finds around it: the same on every machine, as far as that can be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shellplay.recipe.document import Header
from shellplay.settings import Surroundings

# What changes how programs write, or belongs to the terminal that we were started on.
REMOVED = (
    *("CDPATH", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "GREP_COLOR", "GREP_COLORS"),
    *("LANG", "LANGUAGE", "LESS", "LINES", "LS_COLORS", "NO_COLOR", "OLDPWD", "PROMPT_COMMAND"),
    *("PS1", "PS_FORMAT", "PS_PERSONALITY", "PWD", "TIME_STYLE"),
)
TERM = "dumb"
DATA, IMAGES = "XDG_DATA_HOME", ".images"


def surroundings(header: Header, output: int) -> Surroundings:
    """Make a fresh directory, and an environment in which programs speak plainly.

    HOME, PATH and the rest are the user's; nothing of shellplay's own is in it.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SHELLPLAY_", "LC_")) and name not in REMOVED
    }
    environment |= {"LC_ALL": "C.UTF-8", "TERM": TERM, **header.environment}
    scratch = Path(tempfile.mkdtemp(prefix="shellplay-"))
    # A bash that has become another user is to see where it is.
    scratch.chmod(0o755)
    return Surroundings(
        term=environment["TERM"],
        columns=header.columns,
        rows=header.rows,
        environment=environment,
        scratch=str(scratch),
        output=output,
    )


@contextmanager
def images_of_its_own(scratch: Path) -> Iterator[None]:
    """Keep images in a directory of a recipe, for the block: those of the user are let be."""
    before = os.environ.get(DATA)
    os.environ[DATA] = str(scratch / IMAGES)
    try:
        yield
    finally:
        if before is None:
            del os.environ[DATA]
        else:
            os.environ[DATA] = before
