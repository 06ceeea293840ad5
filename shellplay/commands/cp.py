"""cp: copy files into a container and out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, NamedTuple

from shellplay.cmdline.argument_types.paths import files
from shellplay.cmdline.arguments import Argument, Candidate
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.registry import command
from shellplay.directories import expanded
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.copy import Side

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
    source: Annotated[End, CopyEnd("SOURCE", "NAME:PATH, or a path of the host")],
    target: Annotated[End, CopyEnd("TARGET", "NAME:PATH, or a path of the host")],
) -> Iterator[Outcome]:
    """Copy a file or directory into a container, or out of one.

    As cp does: into TARGET if that is a directory, else by that name; of SOURCE/. what is in
    it. No program inside takes part, and no link in there leads out of it.

    Examples:
        cp ./config.txt web:/etc/
        cp web:/var/log ./logs
    """
    from shellplay.container.copy import copy

    if source.label is None and target.label is None:
        raise UsageError("neither end is in a container", EXAMPLE)
    into = target.path.endswith(("/", "/.")) or target.path == "."
    ends = (
        _side(playground, source, contents=source.path.endswith("/.")),
        _side(playground, target, contents=into),
    )
    copied = copy(*ends)
    for name in copied.left:
        yield f"{name}: left out, it is no file"
    count = f"{copied.files} file{'' if copied.files == 1 else 's'}"
    yield f"{source.label or 'host'}:{source.path}: {count} copied"


def _side(playground: Playground, end: End, *, contents: bool) -> Side:
    from shellplay.container.copy import Side

    if end.label is None:
        return Side(None, PurePosixPath(expanded(end.path).absolute()), contents)
    container = playground.find(end.label)
    container.require_alive()
    return Side(container.pid, PurePosixPath("/", end.path), contents)
