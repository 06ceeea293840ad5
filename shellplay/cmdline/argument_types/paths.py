"""Arguments that are paths: of the host, and of what is mounted inside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from shellplay.cmdline.arguments import Candidate, Word
from shellplay.directories import expanded
from shellplay.playground.playground import Playground


class Mount(Word):
    """What to mount, where, and how, as in ``./src:/src:ro``."""

    options: tuple[str, ...] = ("ro", "idmap")

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer paths of the host, then a place inside, then options."""
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
    """Where something is mounted inside."""

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer what is mounted in the current container and is no fence."""
        if playground.current is not None and not playground.current.dead:
            for place, what in playground.current.files.mounted():
                yield Candidate(place, what)


def files(word: str) -> Iterator[Candidate]:
    """Offer files and directories that begin with a word."""
    above, _, _ = word.rpartition("/")
    directory = expanded(f"{above}/" if above or word.startswith("/") else ".")
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        # A directory that is not there, or not readable, has nothing to offer.
        return
    for entry in entries:
        prefix = f"{above}/" if "/" in word else ""
        is_directory = entry.is_dir()
        yield Candidate(
            f"{prefix}{entry.name}{'/' if is_directory else ''}",
            "directory" if is_directory else "file",
        )
