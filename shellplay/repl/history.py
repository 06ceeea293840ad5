"""The history file: safe for two sessions at once, readable by its owner only.

Its form is that of prompt_toolkit's FileHistory: a comment with the time, then the lines
of the entry, each behind a ``+``.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from shellplay.directories import base_directory

READ_AT_MOST = 1 << 20
LONGEST_ENTRY = 1 << 16


def history_path() -> Path | None:
    """Return the place of the history; None if the user has no home."""
    directory = base_directory("XDG_STATE_HOME", ".local/state")
    return directory and directory / "history"


class HistoryFile:
    """Entries in a file that several sessions append to; without a path, none are kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def append(self, entry: str) -> None:
        """Add an entry by one write under a lock; raises OSError."""
        if self.path is None or len(entry) > LONGEST_ENTRY:
            return
        lines = "".join(f"+{line}\n" for line in entry.split("\n"))
        text = f"\n# {datetime.now().isoformat(sep=' ')}\n{lines}"
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(self.path) as fd:
            os.write(fd, text.encode("utf-8", "surrogateescape"))

    def entries(self) -> list[str]:
        """Return the entries, the oldest first; of a long file only the last megabyte.

        Raises OSError if there is a file that cannot be read.
        """
        if self.path is None:
            return []
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - READ_AT_MOST))
                text = file.read().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return []
        return list(_entries(text))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def _entries(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("+"):
            lines.append(line[1:])
        elif lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)
