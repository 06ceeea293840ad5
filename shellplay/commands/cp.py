"""cp: copy files into a container and out of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, NamedTuple

from shellplay.cmdline.argument_types.paths import files
from shellplay.cmdline.arguments import Argument, Candidate, Option
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.registry import command
from shellplay.directories import expanded
from shellplay.errors import Refused, UsageError
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.copy import Copied, Side

TAR = "-"
EXAMPLE = "as in cp web:/etc/hosts . or cp ./file web:/tmp"


class End(NamedTuple):
    """One end of a copy: the label of a container, None for the host, and a path."""

    label: str | None
    path: str


def _split(word: str) -> tuple[str | None, str]:
    name, colon, path = word.partition(":")
    if not colon or "/" in name or name in (".", ".."):
        return None, word
    return name, path


class CopyEnd(Argument):
    """``NAME:PATH`` in a container, or a path of the host."""

    def parse(self, words: Sequence[str], playground: Playground) -> End:
        """Split at the first colon into container and path, unless a slash is before it."""
        name, path = _split(words[0])
        if name is None:
            return End(None, path)
        if not path:
            raise UsageError(f"{words[0]} names no path", EXAMPLE)
        return End(playground.find(name).label, path)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the containers, and files of the host."""
        for container in playground.containers:
            yield Candidate(f"{container.label}:/", "a path in this container")
        yield from files(word)


def _on_host(words: Sequence[str]) -> Iterator[str]:
    for word, verb in zip(words, ("reads", "writes"), strict=False):
        if _split(word)[0] is None:
            yield f"{verb} {word}"


@command("cp", group="files", host=_on_host)
def copy_files(
    playground: Playground,
    front: Front,
    source: Annotated[End, CopyEnd("SOURCE", "NAME:PATH, a path of the host, or - for a tar")],
    target: Annotated[End, CopyEnd("TARGET", "NAME:PATH, a path of the host, or - for a tar")],
    *,
    follow_link: Annotated[
        bool, Option("copy what the link SOURCE leads to", short="-L")
    ] = False,
    archive: Annotated[bool, Option("keep the owners", short="-a")] = False,
    quiet: Annotated[bool, Option("tell nothing", short="-q")] = False,
) -> Iterator[Outcome]:
    """Copy a file or directory into a container, or out of one, also if that has ended.

    As cp does: into TARGET if that is a directory, else by that name, or to where a link of
    that name leads; of SOURCE/. what is in it, and of SOURCE/ what a link leads to. A - is a
    tar: at our input, or to our output. No program inside takes part, and no link in there
    leads out of it.

    Examples:
        cp ./config.txt web:/etc/
        cp web:/var/log ./logs
        cp web:/etc - >etc.tar
    """
    from shellplay.container.copy import copy

    if source.label is None and target.label is None:
        raise UsageError("neither end is in a container", EXAMPLE)
    slash = source.path.endswith("/")
    with ExitStack() as held:
        if target.path == TAR and target.label is None:
            out = _side(playground, source, held)
            _write_out(playground, _from(out, source.path, follow=follow_link or slash))
            return
        there = _side(playground, target, held)
        into = target.path.endswith(("/", "/.")) or target.path == "."
        if source.path == TAR and source.label is None:
            copied = _read_in(front, there)
        else:
            origin = _from(
                _side(playground, source, held), source.path, follow=follow_link or slash
            )
            copied = copy(origin, there._replace(contents=into), owners=archive)
    if quiet:
        return
    for name in copied.left:
        yield f"{name}: left out, it is not a file"
    for name in copied.set_ids if target.label is None and os.geteuid() == 0 else ():
        yield f"{name}: whoever runs it here is root (chmod a-s)"
    count = f"{copied.files} file{'' if copied.files == 1 else 's'}"
    yield f"{source.label or 'host'}:{source.path}: {count} copied"


def _from(side: Side, path: str, *, follow: bool) -> Side:
    return side._replace(
        contents=path.endswith("/.") or path == ".", followed=follow, slash=path.endswith("/")
    )


def _side(playground: Playground, end: End, held: ExitStack) -> Side:
    """Return one end of a copy, below a root that ``held`` closes."""
    from shellplay.container.copy import Side
    from shellplay.kernel.proc_write import open_root

    if end.label is None:
        root = open_root("self")
        held.callback(os.close, root)
        return Side(root, PurePosixPath(expanded(end.path).absolute()), here=True)
    container = playground.find(end.label)
    root = container.files.open_root()
    held.callback(os.close, root)
    return Side(root, PurePosixPath("/", end.path), here=False)


def _write_out(playground: Playground, source: Side) -> None:
    from shellplay.container.copy_tar import write_tar

    output = playground.settings.surroundings.output
    sink = sys.stdout.fileno() if output is None else output
    if os.isatty(sink):
        raise Refused("a tar is nothing for a terminal", "cp NAME:PATH - >FILE")
    sys.stdout.flush()
    with os.fdopen(os.dup(sink), "wb") as file:
        write_tar(source, file)


def _read_in(front: Front, target: Side) -> Copied:
    from shellplay.container.copy_tar import read_tar

    if front.input is None or os.isatty(front.input):
        raise Refused("no tar can come from our input", "shellplay -c 'cp - NAME:PATH' <FILE")
    with os.fdopen(os.dup(front.input), "rb") as file:
        return read_tar(file, target)
