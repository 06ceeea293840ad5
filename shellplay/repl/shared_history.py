"""The history of prompt_toolkit over the history file, and its suggestions."""

from collections.abc import Iterable

from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import History

from shellplay.repl.history import HistoryFile


class SharedHistory(History):
    """prompt_toolkit's history, stored in the file that all sessions share.

    If the file cannot be used, the history is of this session alone, and ``error`` is set.
    ``failed`` are the lines that have failed when they were last run.
    """

    def __init__(self, file: HistoryFile) -> None:
        super().__init__()
        self.file = file
        self.error: OSError | None = None
        self.failed: set[str] = set()
        self._unsaved: str | None = None

    def append_string(self, string: str) -> None:
        """Add an entry; ``save`` writes it when no more lines of it come."""
        self._loaded_strings.insert(0, string)
        self._unsaved = string

    def extend(self, line: str) -> None:
        """Add a line to the newest entry."""
        self._unsaved = f"{self._loaded_strings[0]}\n{line}"
        self._loaded_strings[0] = self._unsaved

    def save(self) -> None:
        """Write the newest entry to the file, if it is not there."""
        entry, self._unsaved = self._unsaved, None
        if entry is not None:
            self.store_string(entry)

    def load_history_strings(self) -> Iterable[str]:
        """Return the entries of the file, the newest first."""
        try:
            entries, failed = self.file.read()
        except OSError as error:
            self.error = error
            return []
        self.failed |= failed
        return reversed(entries)

    def store_string(self, string: str) -> None:
        """Append an entry to the file."""
        try:
            self.file.append(string)
        except OSError as error:
            self.error = error

    def ended(self, line: str, status: int) -> None:
        """Note the exit status of a line, in the file if it has failed."""
        if status == 0:
            self.failed.discard(line)
            return
        self.failed.add(line)
        try:
            self.file.append_failure(line)
        except OSError as error:
            self.error = error


class SuggestWhatWorked(AutoSuggest):
    """Suggests the newest line that begins like the typed one and did not fail."""

    def __init__(self, history: SharedHistory) -> None:
        self.history = history

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        """Return the rest of the line; None if there is none, or nothing is typed."""
        typed = document.text.rpartition("\n")[2]
        if not typed.strip():
            return None
        for entry in reversed(buffer.history.get_strings()):
            if entry in self.history.failed:
                continue
            for line in reversed(entry.splitlines()):
                if line.startswith(typed):
                    return Suggestion(line[len(typed) :])
        return None
