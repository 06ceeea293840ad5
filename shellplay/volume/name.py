"""The names of volumes."""

from __future__ import annotations

import re

from shellplay.errors import UsageError

# As in Docker; the first character keeps ``..`` and hidden names out.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}")


def check_name(name: str) -> None:
    """Raise UsageError if a volume cannot have a name."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name[:64]!r} is not a name for a volume",
            "two characters at least: letters, digits, _ . and -, and no sign first",
        )
