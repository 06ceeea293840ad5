"""Write asciicast, the format of asciinema: a header, then one JSON array for each event.

https://docs.asciinema.org/manual/asciicast/v3/, and v2 for older tools.  A time of version
3 counts from the event before it, a time of version 2 from the start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from shellplay.cast.events import Ended, Event, Heading, Resized
from shellplay.cast.terminal import Terminal

VERSIONS = (2, 3)
# A reader keeps a whole line in memory. So a long output becomes several events of the
# same time.
MAX_TEXT = 32 * 1024


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a cast: sizes in characters, ``timestamp`` in seconds of Unix time.

    ``idle_time_limit`` is the longest pause in seconds.  A field that is None or empty is
    not written.  Raises `ValueError` for a version other than 2 and 3.
    """

    columns: int = 80
    rows: int = 24
    version: int = 3
    title: str = ""
    timestamp: int | None = None
    idle_time_limit: float | None = None
    term: str = "xterm-256color"
    environment: Mapping[str, str] = field(default_factory=lambda: {"SHELL": "/bin/bash"})

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            raise ValueError(f"asciicast version {self.version}")

    def record(self) -> dict[str, object]:
        """Return the header as the JSON object of its version."""
        environment = {**self.environment, **({"TERM": self.term} if self.term else {})}
        size: dict[str, object]
        if self.version == 3:
            term = {"type": self.term} if self.term else {}
            size = {"term": {"cols": self.columns, "rows": self.rows, **term}}
        else:
            size = {"width": self.columns, "height": self.rows}
        optional = {
            "timestamp": self.timestamp,
            "idle_time_limit": self.idle_time_limit,
            "title": self.title or None,
            "env": environment or None,
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {"version": self.version, **size, **present}


class Writer:
    """A sink that writes a cast to a binary file, each event as soon as it happens.

    Each write consists of whole lines and is flushed.  So after SIGKILL the file is a
    correct cast up to the last event.  Raises `OSError` as the file does.
    """

    def __init__(self, file: IO[bytes], header: Header | None = None) -> None:
        self._file = file
        self._header = header or Header()
        self._terminal = Terminal(self._header.columns)
        self._times = TimeFormatter(self._header.version)
        self._write(_json(self._header.record()))

    def __call__(self, event: Event) -> None:
        """Write one event.

        Scenes are not written, nor is the exit status in version 2, which has no code for it.
        """
        lines = [
            f"[{self._times.format(event.time)}, {_json(code)}, {_json(text)}]"
            for code, text in self._entries(event)
        ]
        if lines:
            self._write("\n".join(lines))

    def _entries(self, event: Event) -> Iterator[tuple[str, str]]:
        match event:
            case Heading(title=title):
                yield "m", _valid_unicode(title)
            case Resized(columns=columns, rows=rows):
                self._terminal.characters(event)
                yield "r", f"{columns}x{rows}"
            case Ended(status=status):
                last = self._terminal.finish()
                # Version 2 has no event for the end. An empty output at this time keeps the
                # pause before it.
                if last or self._header.version == 2:
                    yield "o", last
                if self._header.version == 3:
                    yield "x", str(status)
            case _:
                text = self._terminal.characters(event)
                for start in range(0, len(text), MAX_TEXT):
                    yield "o", text[start : start + MAX_TEXT]

    def _write(self, lines: str) -> None:
        self._file.write(f"{lines}\n".encode())
        self._file.flush()


class TimeFormatter:
    """Formats the times of events; a rounding error of one interval goes into the next one."""

    def __init__(self, version: int) -> None:
        self._relative = version == 3
        self._digits = 3 if self._relative else 6
        self._last = 0

    def format(self, time: float) -> str:
        """Return the time of an event as the version has it; a time never goes backwards."""
        now = max(self._last, round(time * 10**self._digits))
        ticks = now - self._last if self._relative else now
        self._last = now
        seconds, fraction = divmod(ticks, 10**self._digits)
        return f"{seconds}.{fraction:0{self._digits}}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _valid_unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
