"""Names for the values of a recording that will differ the next time, as PIDs and inodes."""

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
from shellplay.stage.record.value_tags import WORD, KnownValues

# Commands about processes: a number in such a command or in its output may be a PID.
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
class State:
    """The state of the playground after a step.

    - ``known``: the values of its processes and namespaces.
    - ``bashes``: the PIDs of all live and parked bashes.
    - ``pid_namespaces``: the inode of the PID namespace of each container, with the PID of
      its live bash.
    - ``new_pids``: the PIDs that the kernel assigned during the step.
    """

    known: KnownValues
    bashes: frozenset[str] = frozenset()
    pid_namespaces: frozenset[tuple[str, str]] = frozenset()
    new_pids: range = range(0)

    @classmethod
    def of(cls, playground: Playground, since: int) -> State:
        """Read the state of a playground; ``since`` is the last PID before the step."""
        bashes = [
            pid
            for each in playground.containers
            if not each.dead
            for pid in (each.pid, *(parked.pid for parked in each.parked))
        ]
        pid_namespaces = [
            (str(record.shell), str(each.pid))
            for each in playground.containers
            if not each.dead
            for record in each.fences()
            if record.fence == "pid" and record.up
        ]
        new_pids = range(since + 1, last_pid() + 1)
        known = KnownValues.of(playground)
        return cls(known, frozenset(map(str, bashes)), frozenset(pid_namespaces), new_pids)


def last_pid() -> int:
    """Return the last PID that the kernel assigned on this machine; see proc_loadavg(5)."""
    return int(Path("/proc/loadavg").read_text("ascii").split()[-1])


class Values:
    """Gives the values of a recording names: an equal value of the same object, the same name.

    ``typed`` are all typed lines: a value that the user typed will be the same next time.
    """

    def __init__(self, scratch: str) -> None:
        self.typed: list[str] = []
        self.host = socket.gethostname()
        self.users = users()
        self.directories = (scratch, *homes())
        self._names: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        self._present: set[str] = set()
        self._gone: set[str] = set()
        self.pids: set[str] = set()
        self.state = State(KnownValues())

    def learn(self, state: State) -> None:
        """Use a new state; a number that was gone and is used again loses its old name."""
        known = state.known
        present = known.host | known.inodes
        for value in present & self._gone:
            for kind in ("pid", "ino"):
                self._names.pop((kind, value), None)
        for inode, _ in state.pid_namespaces - self.state.pid_namespaces:
            # A PID namespace ends with its first bash, and a new one may get the same inode.
            self._names.pop(("ino", inode), None)
        self._gone = (self._gone | self._present) - present
        self._present = set(present)
        self.pids |= known.host
        self.state = state

    def tag(self, kind: str, value: str, scope: str = "") -> str:
        """Return the tag for a value; equal values of two scopes get two names."""
        key = (kind, scope + value)
        if key not in self._names:
            is_bash = kind == "pid" and value in self.state.bashes
            letter = "B" if is_bash else LETTERS[kind]
            self._counts[letter] += 1
            self._names[key] = f"{letter}{self._counts[letter]}"
        return f"<{kind}:{self._names[key]}>"

    def was_typed(self, value: str) -> bool:
        """Return whether the user has typed this value as a whole word."""
        word = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
        return any(word.search(line) for line in self.typed)

    def insert_tags(self, text: str, bindings: Bindings, scope: str = "") -> str:
        """Return a command with tags in the place of the values that earlier lines bind."""
        about_processes = ABOUT_PROCESSES.search(text)

        def replacement(word: re.Match[str]) -> str:
            for kind, key in self._possible_keys(word[0], scope):
                name = self._names.get((kind, key))
                if name in bindings and (kind in ("id", "ino") or about_processes):
                    return f"<{kind}:{name}>"
            return word[0]

        # The user typed text that looks like a tag, so leave the whole command alone.
        return text if tag.SYNTAX.search(text) else WORD.sub(replacement, text)

    def _possible_keys(self, value: str, scope: str) -> Iterator[tuple[str, str]]:
        yield "pid", value
        yield "ino", value
        if int(value, 16) > 1:
            yield "int", scope + value
        ids = [key for kind, key in self._names if kind == "id"]
        matching = [key for key in ids if len(value) >= 4 and key.startswith(value)]
        if len(matching) == 1:
            yield "id", matching[0]


def users() -> tuple[str, ...]:
    """Return the name of the user and of the user's groups; empty for root."""
    if os.geteuid() == 0:
        return ()
    groups = sorted({os.getegid(), *os.getgroups()})
    return tuple(dict.fromkeys([_user_name(os.geteuid()), *map(_group_name, groups)]))


def homes() -> tuple[str, ...]:
    """Return the home directory; empty if it is ``/`` or ``/root``, which are common."""
    home = str(Path.home())
    return () if home in ("/", "/root") else (home,)


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
