"""Argument types for paths: sources and targets of mounts, and files of the host."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from shellplay.cmdline.arguments import Candidate, Word
from shellplay.directories import expanded
from shellplay.playground.playground import Playground


class Mount(Word):
    """A mount as SOURCE:TARGET:OPTIONS, like ``./src:/src:ro``."""

    options: tuple[str, ...] = ("ro", "idmap")

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer paths of the host, then a target, then options."""
        source, *rest = word.split(":")
        if not rest:
            yield Candidate("tmpfs:", "a file system in memory")
            yield from files(word)
        elif len(rest) == 1:
            name = source.rstrip("/").rpartition("/")[2]
            yield Candidate(f"{source}:/{name}", "where it is to be inside")
        else:
            *given, _ = rest[1].split(",")
            for option in self.options:
                if option not in given:
                    yield Candidate(":".join((source, rest[0], ",".join((*given, option)))))


class MountedPlace(Word):
    """The target of a mount in the container."""

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the targets of the mounts in the current container that are not fences."""
        if playground.current is not None and not playground.current.dead:
            for place, what in playground.current.files.mounted():
                yield Candidate(place, what)


def files(word: str) -> Iterator[Candidate]:
    """Offer the files and directories whose paths begin with a word."""
    above, _, _ = word.rpartition("/")
    directory = expanded(f"{above}/" if above or word.startswith("/") else ".")
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        # A directory that does not exist, or is not readable, has no candidates.
        return
    for entry in entries:
        prefix = f"{above}/" if "/" in word else ""
        is_directory = entry.is_dir()
        yield Candidate(
            f"{prefix}{entry.name}{'/' if is_directory else ''}",
            "directory" if is_directory else "file",
        )
