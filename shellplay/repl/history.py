"""The history file: several sessions may write to it, and only its owner may read it.

The format is that of prompt_toolkit's FileHistory: a comment with the time, then each line of
the entry after a ``+``.  An entry that failed comes again, after a ``-``.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
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
        self._append("+", entry)

    def append_failure(self, entry: str) -> None:
        """Append that an entry has failed, as `append` does."""
        self._append("-", entry)

    def _append(self, sign: str, entry: str) -> None:
        if self.path is None or len(entry) > MAX_ENTRY:
            return
        lines = "".join(f"{sign}{line}\n" for line in entry.split("\n"))
        text = f"\n# {datetime.now().isoformat(sep=' ')}\n{lines}"
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self.path) as fd:
            os.write(fd, text.encode("utf-8", "surrogateescape"))

    def entries(self) -> list[str]:
        """Return the entries in the last MiB of the file, the oldest first; raises OSError."""
        return self.read()[0]

    def read(self) -> tuple[list[str], set[str]]:
        """Return the entries in the last MiB, the oldest first, and those that failed.

        Raises OSError if the file exists and cannot be read.
        """
        if self.path is None:
            return [], set()
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - MAX_READ))
                text = file.read().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return [], set()
        entries: list[str] = []
        failed: set[str] = set()
        for sign, entry in _entries(text):
            if sign == "-":
                failed.add(entry)
            else:
                entries.append(entry)
                failed.discard(entry)
        return entries, failed


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Yield the sign and the text of each entry."""
    signed = ((line[:1] if line[:1] in ("+", "-") else "", line) for line in text.split("\n"))
    for sign, lines in groupby(signed, key=itemgetter(0)):
        if sign:
            yield sign, "\n".join(line[1:] for _, line in lines)
