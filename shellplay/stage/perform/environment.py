"""The environment of a recipe: as far as possible the same on every machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shellplay.recipe.document import Header
from shellplay.settings import Surroundings

# Variables that change the output of programs, or describe the terminal of this process.
REMOVED = (
    *("CDPATH", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "GREP_COLOR", "GREP_COLORS"),
    *("LANG", "LANGUAGE", "LESS", "LINES", "LS_COLORS", "NO_COLOR", "OLDPWD", "PROMPT_COMMAND"),
    *("PS1", "PS_FORMAT", "PS_PERSONALITY", "PWD", "TIME_STYLE"),
)
TERM = "dumb"
DATA_VARIABLE, STORE = "XDG_DATA_HOME", ".images"


def make_surroundings(header: Header, output: int) -> Surroundings:
    """Make a scratch directory and an environment in which programs print plain English.

    Variables such as HOME and PATH stay as they are; those of shellplay are removed.
    ``output`` is the descriptor for the output of programs of the host.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SHELLPLAY_", "LC_")) and name not in REMOVED
    }
    environment |= {"LC_ALL": "C.UTF-8", "TERM": TERM, **header.environment}
    scratch = Path(tempfile.mkdtemp(prefix="shellplay-"))
    # mkdtemp makes it 0700. A bash with another user ID must be able to read its own
    # working directory.
    try:
        scratch.chmod(0o755)
    except OSError:
        scratch.rmdir()
        raise
    return Surroundings(
        term=environment["TERM"],
        columns=header.columns,
        rows=header.rows,
        environment=environment,
        scratch=str(scratch),
        output=output,
    )


@contextmanager
def separate_image_store(scratch: Path) -> Iterator[None]:
    """Store images below the scratch directory within the block, not in the user's store."""
    before = os.environ.get(DATA_VARIABLE)
    os.environ[DATA_VARIABLE] = str(scratch / STORE)
    try:
        yield
    finally:
        if before is None:
            del os.environ[DATA_VARIABLE]
        else:
            os.environ[DATA_VARIABLE] = before
