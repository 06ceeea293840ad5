"""The history file: several sessions may write to it, and only its owner may read it.

The format is that of prompt_toolkit's FileHistory: a comment with the time, then each line of
the entry after a ``+``.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from shellplay.directories import base_directory

MAX_READ = 1 << 20
MAX_ENTRY = 1 << 16


def history_path() -> Path | None:
    """Return the path of the history file; None if the user has no home directory."""
    directory = base_directory("XDG_STATE_HOME", ".local/state")
    return Path(directory, "history") if directory else None


class HistoryFile:
    """The entries in a file to which several sessions append; with path None it keeps none."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def append(self, entry: str) -> None:
        """Append an entry by one write(2) under a flock(2); raises OSError.

        An entry of more than 64 KiB is ignored.
        """
        if self.path is None or len(entry) > MAX_ENTRY:
            return
        lines = "".join(f"+{line}\n" for line in entry.split("\n"))
        text = f"\n# {datetime.now().isoformat(sep=' ')}\n{lines}"
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self.path) as fd:
            os.write(fd, text.encode("utf-8", "surrogateescape"))

    def entries(self) -> list[str]:
        """Return the entries in the last MiB of the file, the oldest first.

        Raises OSError if the file exists and cannot be read.
        """
        if self.path is None:
            return []
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - MAX_READ))
                text = file.read().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return []
        return list(_entries(text))


@contextmanager
def _locked(path: Path) -> Iterator[int]:
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
