"""logs: show what the terminal or the program of a container has printed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.arguments import Argument, Option, Target
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.outcomes import Outcome, Text
from shellplay.cmdline.registry import command
from shellplay.errors import UsageError
from shellplay.nearest import quoted
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container

MOMENT_SECONDS = 0.05
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
SPAN = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|ms|[smh]))+")
PART = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ns|us|ms|[smh])")
SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")


class Tail(Argument):
    """A number of lines, or ``all``."""

    def parse(self, words: Sequence[str], playground: Playground) -> int | None:
        """Return the number, None for all."""
        word = words[0]
        if word == "all" or re.fullmatch("-[0-9]+", word):
            return None
        # The length bounds what int() has to read.
        if not re.fullmatch("[0-9]{1,9}", word):
            raise UsageError(f"{quoted(word)} is not a number of lines", "write one, or all")
        return int(word)


class Moment(Argument):
    """A time: ``10m`` ago, seconds since 1970, or as in ISO 8601."""

    def parse(self, words: Sequence[str], playground: Playground) -> float:
        """Return the seconds since 1970."""
        word = words[0]
        if SPAN.fullmatch(word):
            parts = PART.findall(word)
            return time.time() - sum(float(number) * UNITS[unit] for number, unit in parts)
        if SECONDS.fullmatch(word):
            return float(word)
        try:
            found = datetime.fromisoformat(word)
        except ValueError as error:
            fix = "as in 10m, 1h30m, 2026-12-31 or 2026-12-31T23:59:00Z"
            raise UsageError(f"{quoted(word)} is not a time", fix) from error
        return found.timestamp()


@command("logs", group="looking", host=None)
def logs(
    front: Front,
    container: Annotated[Container, Target(positional=True)],
    *,
    follow: Annotated[bool, Option("go on until it ends, or ^C", short="-f")] = False,
    tail: Annotated[
        int | None, Option("only so many lines at the end", short="-n", argument=Tail("N", ""))
    ] = None,
    since: Annotated[
        float | None, Option("only what came later", argument=Moment("TIME", ""))
    ] = None,
    until: Annotated[
        float | None, Option("only what came before", argument=Moment("TIME", ""))
    ] = None,
    timestamps: Annotated[bool, Option("the time before each line", short="-t")] = False,
) -> Iterator[Outcome]:
    """Show what the terminal or the program has printed, as far as it is kept.

    Examples:
        logs
        logs web
        logs -f --tail 10 web
        logs -t --since 10m web
    """
    kept, position = container.output()
    lines = [
        (came, text)
        for came, text in kept
        if (since is None or came >= since) and (until is None or came < until)
    ]
    if tail is not None:
        lines = lines[len(lines) - tail :] if tail < len(lines) else lines
    yield Text("".join(_shown(came, text, timestamps=timestamps) for came, text in lines))
    if follow:
        _follow(front, container, position, timestamps=timestamps)


def _follow(front: Front, container: Container, position: int, *, timestamps: bool) -> None:
    """Show what comes until the container has ended, or a KeyboardInterrupt."""
    try:
        while True:
            # Before the output is read: what it prints last comes with its end.
            ended = container.dead
            text, position = container.terminal.output_after(position)
            for line in text.splitlines(keepends=True):
                front.stream(_shown(time.time(), line, timestamps=timestamps))
            if ended:
                return
            time.sleep(MOMENT_SECONDS)
    except KeyboardInterrupt:
        return


def _shown(came: float, line: bytes, *, timestamps: bool) -> str:
    text = line.decode("utf-8", "backslashreplace")
    if not timestamps:
        return text
    # RFC 3339 with nanoseconds, as Docker writes it.
    moment = datetime.fromtimestamp(came, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{moment}000Z {text}"
