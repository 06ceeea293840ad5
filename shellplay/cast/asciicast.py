"""asciicast, the format of asciinema: a header and then one JSON array for each event.

https://docs.asciinema.org/manual/asciicast/v3/, and v2 for older tools.  Version 3 counts
each time from the event before it, version 2 from the start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from shellplay.cast.events import Ended, Event, Heading, Resized
from shellplay.cast.terminal import Terminal

VERSIONS = (2, 3)
# Readers hold one line at a time: a longer output is several events of the same time.
LONGEST_TEXT = 32 * 1024


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: sizes in characters, ``timestamp`` in seconds of Unix time."""

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
        """Return the JSON object of the version."""
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
        told = {name: value for name, value in optional.items() if value is not None}
        return {"version": self.version, **size, **told}


class Writer:
    """A sink that writes a cast to a binary file, and each event as soon as it happens.

    Every write is whole lines and is flushed, so what was written before a sudden end can
    be read.  Raises OSError as the file does.
    """

    def __init__(self, file: IO[bytes], header: Header | None = None) -> None:
        self._file = file
        self._header = header or Header()
        self._terminal = Terminal(self._header.columns)
        self._clock = Clock(self._header.version)
        self._write(_json(self._header.record()))

    def __call__(self, event: Event) -> None:
        """Write one event; scenes and exit statuses in version 2 have no line."""
        lines = [
            f"[{self._clock.stamp(event.time)}, {_json(code)}, {_json(text)}]"
            for code, text in self._entries(event)
        ]
        if lines:
            self._write("\n".join(lines))

    def _entries(self, event: Event) -> Iterator[tuple[str, str]]:
        match event:
            case Heading(title=title):
                yield "m", _valid(title)
            case Resized(columns=columns, rows=rows):
                self._terminal.characters(event)
                yield "r", f"{columns}x{rows}"
            case Ended(status=status):
                rest = self._terminal.rest()
                # Version 2 cannot say that it is over; an empty output keeps the last pause.
                if rest or self._header.version == 2:
                    yield "o", rest
                if self._header.version == 3:
                    yield "x", str(status)
            case _:
                text = self._terminal.characters(event)
                for start in range(0, len(text), LONGEST_TEXT):
                    yield "o", text[start : start + LONGEST_TEXT]

    def _write(self, lines: str) -> None:
        self._file.write(f"{lines}\n".encode())
        self._file.flush()


class Clock:
    """Spells times; what is lost by rounding an interval is added to the next one."""

    def __init__(self, version: int) -> None:
        self._relative = version == 3
        self._digits = 3 if self._relative else 6
        self._spent = 0

    def stamp(self, time: float) -> str:
        """Return the time of an event as its version wants it; time never runs backwards."""
        now = max(self._spent, round(time * 10**self._digits))
        shown = now - self._spent if self._relative else now
        self._spent = now
        whole, part = divmod(shown, 10**self._digits)
        return f"{whole}.{part:0{self._digits}}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
