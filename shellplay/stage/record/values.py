"""The values that a recording meets and that are others the next time, and their names."""

from __future__ import annotations

import grp
import os
import pwd
import re
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shellplay.playground.playground import Playground
from shellplay.recipe import tag
from shellplay.recipe.bindings import Bindings
from shellplay.stage.record.value_tags import WORD, Knowledge

# Commands that are about processes: a number in them, or in what they say, may be a PID.
ABOUT_PROCESSES = re.compile(
    r"\b(?:kill|wait|jobs|fg|bg|ps|pstree|pgrep|pidof|nsenter|lsns|strace|renice|prlimit)\b"
    r"|/proc\b|\$\$|\$!|(?i:pid)|&(?!&)"
)
LETTERS = {
    "host": "H",
    "id": "C",
    "ino": "N",
    "int": "I",
    "path": "D",
    "pid": "P",
    "user": "U",
    "version": "V",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """What the playground knew after a step, and the PIDs that were given out during it."""

    known: Knowledge
    bashes: frozenset[str] = frozenset()
    # The PID namespace of each container, and its bash.
    homes: frozenset[tuple[str, str]] = frozenset()
    born: range = range(0)

    @classmethod
    def of(cls, playground: Playground, since: int) -> Moment:
        """Ask a playground, now; ``since`` is the PID that was given out last before."""
        bashes = [
            pid
            for each in playground.containers
            if not each.dead
            for pid in (each.pid, *(parked.pid for parked in each.parked))
        ]
        homes = [
            (str(record.shell), str(each.pid))
            for each in playground.containers
            if not each.dead
            for record in each.fences()
            if record.fence == "pid" and record.up
        ]
        born = range(since + 1, last_pid() + 1)
        known = Knowledge.of(playground)
        return cls(known, frozenset(map(str, bashes)), frozenset(homes), born)


def last_pid() -> int:
    """Return the PID that was given out last on this machine, see proc_loadavg(5)."""
    return int(Path("/proc/loadavg").read_text("ascii").split()[-1])


class Values:
    """Gives equal values equal names, as long as they are the same thing.

    ``typed`` is all that was typed: what the user has said himself is no surprise.
    """

    def __init__(self, scratch: str) -> None:
        self.typed: list[str] = []
        self.host = socket.gethostname()
        self.users = users()
        self.places = (scratch, *homes())
        self._names: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        self._things: set[str] = set()
        self._gone: set[str] = set()
        self.pids: set[str] = set()
        self.moment = Moment(Knowledge())

    def learn(self, moment: Moment) -> None:
        """Take in what there is now; a number that has come back is another thing."""
        known = moment.known
        things = known.host | known.inodes
        for value in things & self._gone:
            for kind in ("pid", "ino"):
                self._names.pop((kind, value), None)
        for inode, _ in moment.homes - self.moment.homes:
            # It ends with its first bash, and the next one may get the same number.
            self._names.pop(("ino", inode), None)
        self._gone = (self._gone | self._things) - things
        self._things = set(things)
        self.pids |= known.host
        self.moment = moment

    def tag(self, kind: str, value: str, of: str = "") -> str:
        """Return the tag for a value; ``of`` tells apart what is equal by chance."""
        key = (kind, of + value)
        if key not in self._names:
            is_bash = kind == "pid" and value in self.moment.bashes
            letter = "B" if is_bash else LETTERS[kind]
            self._counts[letter] += 1
            self._names[key] = f"{letter}{self._counts[letter]}"
        return f"<{kind}:{self._names[key]}>"

    def was_typed(self, value: str) -> bool:
        """Tell whether the user has typed this, as a word."""
        word = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
        return any(word.search(line) for line in self.typed)

    def substituted(self, text: str, bindings: Bindings, of: str = "") -> str:
        """Return a command with tags for the values in it that lines above have bound."""
        about_processes = ABOUT_PROCESSES.search(text)

        def replaced(word: re.Match[str]) -> str:
            for kind, key in self._meanings(word[0], of):
                name = self._names.get((kind, key))
                if name in bindings and (kind in ("id", "ino") or about_processes):
                    return f"<{kind}:{name}>"
            return word[0]

        # What looks like a tag already is none of ours.
        return text if tag.SYNTAX.search(text) else WORD.sub(replaced, text)

    def _meanings(self, value: str, of: str) -> Iterator[tuple[str, str]]:
        yield "pid", value
        yield "ino", value
        if int(value, 16) > 1:
            yield "int", of + value
        ids = [key for kind, key in self._names if kind == "id"]
        begun = [key for key in ids if len(value) >= 4 and key.startswith(value)]
        if len(begun) == 1:
            yield "id", begun[0]


def users() -> tuple[str, ...]:
    """Return what the user is called, and the user's groups, unless that is root."""
    if os.geteuid() == 0:
        return ()
    groups = sorted({os.getegid(), *os.getgroups()})
    return tuple(dict.fromkeys([_user(os.geteuid()), *map(_group, groups)]))


def homes() -> tuple[str, ...]:
    """Return the home directory, unless it is the same everywhere."""
    home = str(Path.home())
    return () if home in ("/", "/root") else (home,)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
