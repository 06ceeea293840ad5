"""Read an asciicast of version 2 or 3, one event at a time, whatever its length."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO

from shellplay.cast.asciicast import VERSIONS, Header
from shellplay.cast.events import Ended, Event, Heading, Output, Resized
from shellplay.errors import UsageError

# Bytes; far more than recorders write in one event, and little enough for the memory.
MAX_LINE = 16 * 1024 * 1024
MAX_SIDE = 10_000
MAX_TIME = 1e12
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_STATUS = re.compile(r"-?[0-9]{1,9}")


class CastError(UsageError):
    """A file is not an asciicast, or one of its lines (from 1) is broken."""

    def __init__(self, name: str, line: int, message: str, fix: str | None = None) -> None:
        super().__init__(f"{name}:{line}: {message}", fix)
        self.line = line


class Reader:
    """The header of a cast in a binary file, and an iterator over its events.

    The file is read once, so iterate once.  Output keeps CR LF as line end.  The reader
    skips comments, input and unknown codes, and an incomplete last line, as a killed
    recorder leaves it.  Raises `CastError`.
    """

    def __init__(self, file: IO[bytes], name: str = "cast") -> None:
        self._file = file
        self._name = name
        self._number = 0
        self._time = 0.0
        self.header = self._read_header()

    def __iter__(self) -> Iterator[Event]:
        while line := self._next_line():
            if not line.strip() or (self.header.version == 3 and line.startswith(b"#")):
                continue
            try:
                event = self._event(line)
            except CastError:
                if line.endswith(b"\n"):
                    raise
                return
            if event is not None:
                yield event

    def _next_line(self) -> bytes:
        self._number += 1
        line = self._file.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise self._error(f"this line is longer than {MAX_LINE >> 20} MiB")
        return line

    def _error(self, message: str, fix: str | None = None) -> CastError:
        return CastError(self._name, self._number, message, fix)

    def _json(self, line: bytes) -> object:
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError):  # neither JSON nor UTF-8, or nested too deep
            raise self._error("this line is not JSON") from None
        return value

    def _read_header(self) -> Header:
        try:
            record = self._json(self._next_line())
        except CastError:
            record = None
        if not isinstance(record, dict) or "version" not in record:
            raise self._error("this file is not an asciicast: its first line is not a header")
        version = record["version"]
        if version not in VERSIONS:
            known = "2 and 3 can be read"
            fix = "asciinema convert OLD NEW makes a newer one" if version == 1 else None
            raise self._error(f"asciicast version {version!r:.20}, but {known}", fix)
        term = record.get("term") if version == 3 else None
        term = term if isinstance(term, dict) else {}
        sides = (term, "cols", "rows") if version == 3 else (record, "width", "height")
        environment = record.get("env")
        environment = environment if isinstance(environment, dict) else {}
        timestamp = _seconds(record.get("timestamp"))
        return Header(
            columns=self._side(sides[0], sides[1]),
            rows=self._side(sides[0], sides[2]),
            version=version,
            title=_valid_unicode(str(record.get("title") or "")),
            timestamp=None if timestamp is None else int(timestamp),
            idle_time_limit=_seconds(record.get("idle_time_limit")),
            term=str(term.get("type") or environment.get("TERM") or ""),
            environment={
                str(name): str(value) for name, value in environment.items() if name != "TERM"
            },
        )

    def _side(self, record: dict[str, object], name: str) -> int:
        value = record.get(name)
        if type(value) is not int or not 0 < value <= MAX_SIDE:
            raise self._error(f'the header needs "{name}", a number from 1 to {MAX_SIDE}')
        return value

    def _event(self, line: bytes) -> Event | None:
        record = self._json(line)
        match record:
            case [value, str(code), str(data)] if (time := _seconds(value)) is not None:
                origin = self._time if self.header.version == 3 else 0.0
                self._time = max(self._time, origin + time)
                return self._event_of_code(code, _valid_unicode(data))
        raise self._error("an event is [time, code, text], with a time of 0 or more")

    def _event_of_code(self, code: str, data: str) -> Event | None:
        """Return the event of a code; None if the code is unknown."""
        match code:
            case "o":
                return Output(self._time, data)
            case "m":
                return Heading(self._time, data)
            case "r":
                size = _SIZE.fullmatch(data)
                if not size or max(int(size[1]), int(size[2])) > MAX_SIDE:
                    raise self._error(f'{data!r:.40} is not a size such as "80x24"')
                return Resized(self._time, int(size[1]), int(size[2]))
            case "x" if self.header.version == 3:
                if not _STATUS.fullmatch(data):
                    raise self._error(f'{data!r:.40} is not an exit status such as "0"')
                return Ended(self._time, int(data))
        return None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < MAX_TIME else None


def _valid_unicode(text: str) -> str:
    # JSON can contain a lone surrogate (\ud800), which is not a character.
    return text.encode("utf-8", "replace").decode()
