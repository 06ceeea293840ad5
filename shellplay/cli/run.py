"""``shellplay run``: run one program behind all of Docker's fences."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shellplay.cmdline.help import page
from shellplay.cmdline.outcomes import Page
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.registry import TABLE
from shellplay.commands.run import attached_streams, attend, found, show, started
from shellplay.container.container import Container
from shellplay.container.not_started import NotStarted
from shellplay.docker.options import NO, RunRequest, parse
from shellplay.errors import Refused, ShellplayError, UsageError
from shellplay.kernel.signal_proxy import held
from shellplay.playground.playground import Playground
from shellplay.repl.term_type import container_term
from shellplay.settings import Settings, Surroundings

if TYPE_CHECKING:
    from shellplay.image.manifest import Image

# The exit status of docker run if the program could not run.
FAILED = 125
INTERRUPTED = 128 + signal.SIGINT


def main(words: Sequence[str]) -> int:
    """Run ``shellplay run`` with these words; return the status of the program."""
    printer = Printer.standard()
    if words and words[0] in ("--help", "help"):
        printer.show(Page(page(TABLE["run"])))
        return 0
    verbose = bool(words) and words[0] == "--verbose"
    try:
        asked = parse(words[1:] if verbose else words)
        if asked.has("help"):
            printer.show(Page(page(TABLE["run"])))
            return 0
        asked = _checked(asked)
        with Playground(
            Settings(surroundings=Surroundings(term=container_term()))
        ) as playground:
            return _run(playground, asked, printer, verbose=verbose)
    except NotStarted as error:
        printer.error(error)
        return error.exit_status
    except (ShellplayError, OSError) as error:
        printer.error(error)
        return FAILED
    except KeyboardInterrupt:
        printer.error(ShellplayError("interrupted"))
        return INTERRUPTED


def _checked(asked: RunRequest) -> RunRequest:
    if asked.has("detach"):
        raise UsageError(
            "run -d lives as long as a playground, and this command has none that goes on",
            "use it at the prompt of shellplay",
        )
    if asked.has("tty") and asked.has("interactive") and not sys.stdin.isatty():
        # Docker's rule: -t alone makes a terminal inside, and takes none outside.
        raise Refused(
            "the input is not a terminal, which -i hands to the one of -t", "leave -t out"
        )
    return asked


def _run(playground: Playground, asked: RunRequest, printer: Printer, *, verbose: bool) -> int:
    playground.prestart(bridge=asked.last("network") in (None, "bridge"))
    told, warned = list[str](), list[str]()
    image = _noted(found(asked), printer)
    with _signals_held(asked) as proxied:
        container = started(playground, asked, image, told, warned)
        if verbose:
            printer.note("\n".join(told))
        for sentence in warned:
            printer.warning(sentence)
        return _attended(container, asked, proxied)


@contextmanager
def _signals_held(asked: RunRequest) -> Iterator[frozenset[int]]:
    """Hold back the signals that the program is to get; with a terminal it gets keys."""
    if asked.has("tty") or not _proxies(asked):
        yield frozenset()
        return
    with held(has_terminal=any(map(os.isatty, range(3)))) as numbers:
        yield numbers


def _proxies(asked: RunRequest) -> bool:
    return asked.last("sig-proxy") not in NO


def _noted(finding: Generator[str, None, Image | None], printer: Printer) -> Image | None:
    while True:
        try:
            printer.note(next(finding))
        except StopIteration as end:
            image: Image | None = end.value
            return image


def _attended(container: Container, asked: RunRequest, proxied: frozenset[int]) -> int:
    assert container.process is not None
    if not asked.has("tty"):
        streams = attached_streams(asked)
        keys = sys.stdin.fileno() if "stdin" in streams else None
        try:
            return attend(
                container, None, None, keys, streams=streams,
                proxied=proxied, interrupts_passed_on=_proxies(asked),
            )  # fmt: skip
        except SystemExit:
            # The program has got the signal, too: its exit status counts if it has ended.
            if container.process.exit_status is None:
                raise
            return container.process.exit_status
    if not sys.stdin.isatty():
        return show(container, None)
    left = container.enter(detach_keys=asked.last("detach-keys"))
    if left.reason == "detached":
        # No session is left that could enter the container again.
        return 0
    return container.process.exit_status or 0
