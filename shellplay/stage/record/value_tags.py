"""The values of a playground that will differ the next time, and tags for them in a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shellplay.playground.playground import Playground

WORD = re.compile(r"(?<![\w.])[0-9a-f]+(?![\w.])")
# The first number of a line, as in the output of ps(1) and in a job notice of bash.
FIRST_NUMBER = re.compile(r"(\s*(?:\[\d+\]\s+)?)(\d+)(?!\S)")


@dataclass(frozen=True, slots=True)
class KnownValues:
    """PIDs on the ``host`` and ``inside``, inodes of namespaces, and IDs of containers."""

    host: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()
    inodes: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, playground: Playground) -> KnownValues:
        """Read the values of a playground from the kernel, now."""
        processes = playground.snapshot().processes
        namespaces = [each for each in playground.host_namespaces().values() if each]
        records = [
            record
            for container in playground.containers
            if not container.dead
            for record in container.fences()
        ]
        inodes = [record.shell for record in records] + [each.inode for each in namespaces]
        return cls(
            host=frozenset(str(each.pid) for each in processes),
            # PID 1 is left out: it is the same each time.
            inside=frozenset(str(pid) for each in processes for pid in each.inside if pid > 1),
            inodes=frozenset(str(inode) for inode in inodes if inode),
            ids=frozenset(container.id for container in playground.containers),
        )


def tag_values(line: str, known: KnownValues) -> str:
    """Return a line of output with tags in the place of the known values."""

    def tag(word: re.Match[str]) -> str:
        value = word[0]
        if value in known.ids:
            return "<id>"
        if value in known.inodes:
            return "<ino>"
        return "<pid>" if value in known.host else value

    found = WORD.sub(tag, line)
    first = FIRST_NUMBER.match(found)
    if first and first[2] in known.inside:
        return f"{first[1]}<pid>{found[first.end() :]}"
    return found
