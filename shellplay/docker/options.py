"""The options of ``docker run`` that ``run`` takes, one table for all who ask."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shellplay.errors import UsageError
from shellplay.nearest import nearest

EXAMPLE = "as in: run -it host /bin/bash"


class Option(NamedTuple):
    """One option: what it takes, if it takes something, and what it does.

    ``choices`` are offered; ``only`` they are taken, or else also what the metavar says.
    """

    help: str
    metavar: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    only: bool = False


NETWORKS = ("none", "bridge", "pasta", "host", "container:")
OPTIONS: dict[str, Option] = {
    "interactive": Option("give it what is typed here", short="i"),
    "tty": Option("give it a terminal", short="t"),
    "detach": Option("leave it in the background, see logs, enter and wait", short="d"),
    "rm": Option("forget it when it has ended"),
    "quiet": Option("do not tell the fences that go up", short="q"),
    "name": Option("what it is called", "NAME"),
    "hostname": Option("the host name inside, if not its id", "NAME", "h"),
    "env": Option("a variable, or one of ours", "NAME[=VALUE]", "e"),
    "env-file": Option("variables, a line each", "FILE"),
    "workdir": Option("the directory it is started in", "PATH", "w"),
    "user": Option("who it is inside", "USER[:GROUP]", "u"),
    "entrypoint": Option("the program, instead of the image's", "PROGRAM"),
    "init": Option("a process before it that reaps what it leaves behind"),
    "volume": Option("mount a file or directory of the host", "SOURCE:TARGET[:ro]", "v"),
    "mount": Option("mount by keys", "type=bind|tmpfs,source=,target=[,readonly]"),
    "tmpfs": Option("mount memory", "TARGET[:OPTIONS]"),
    "read-only": Option("nothing in its root can be written"),
    "memory": Option("so much memory", "AMOUNT", "m"),
    "cpus": Option("so many processors' worth", "NUMBER"),
    "cpuset-cpus": Option("only these processors", "LIST"),
    "pids-limit": Option("so many processes, -1: as many as it likes", "NUMBER"),
    "ulimit": Option("a limit of each process", "NAME=SOFT[:HARD]"),
    "cap-add": Option("a capability more, or ALL", "NAME"),
    "cap-drop": Option("a capability less, or ALL", "NAME"),
    "security-opt": Option(
        "no-new-privileges, seccomp=unconfined or seccomp=FILE", "OPTION",
        choices=("no-new-privileges", "seccomp=unconfined"),
    ),
    "privileged": Option("all capabilities and devices, nothing hidden, no filter"),
    "device": Option("a device of the host", "PATH[:INSIDE]"),
    "network": Option("its network", "none|bridge|pasta|host|container:NAME", choices=NETWORKS),
    "publish": Option("a port of the host that leads inside", "[ADDRESS:]HOST:INSIDE", "p"),
    "pid": Option("whose processes it sees", "host|container:NAME", choices=("host",)),
    "ipc": Option("whose shared memory", "private|host|container:NAME", choices=("host",)),
    "uts": Option("whose host name", "host", choices=("host",)),
    "userns": Option("whose users", "host", choices=("host",), only=True),
    "cgroupns": Option(
        "whose view of cgroups", "host|private", choices=("host", "private"), only=True
    ),
    "stop-signal": Option("the signal that stop sends", "SIGNAL"),
    "pull": Option(
        "when to fetch the image", "always|missing|never",
        choices=("always", "missing", "never"), only=True,
    ),
}  # fmt: skip
ALIASES = {"net": "network", "h": "hostname"}
# As Go reads them, which Docker is written in.
YES, NO = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")
SHORT = {option.short: name for name, option in OPTIONS.items() if option.short}


class Asked(NamedTuple):
    """What was asked for: options with their values, the image, and the command's words."""

    given: Mapping[str, tuple[str, ...]]
    image: str
    command: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Tell whether a flag is on."""
        return self.given.get(name, ("false",))[-1] in YES

    def last(self, name: str) -> str | None:
        """Return what an option was given last, which is what counts."""
        return self.given[name][-1] if name in self.given else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return all that an option was given."""
        return self.given.get(name, ())


def parse(words: Sequence[str]) -> Asked:
    """Read ``[OPTIONS] IMAGE [COMMAND...]``; raises UsageError with the nearest option."""
    given: dict[str, list[str]] = {}
    pending = deque(words)
    while pending and pending[0].startswith("-") and pending[0] != "-":
        word = pending.popleft()
        if word == "--":
            break
        for name, value in _long(word, pending) if word[1] == "-" else _short(word, pending):
            _check(name, value)
            given.setdefault(name, []).append(value)
    if not pending:
        raise UsageError("run needs an IMAGE, or host for the files of this machine", EXAMPLE)
    image = pending.popleft()
    return Asked({name: tuple(values) for name, values in given.items()}, image, tuple(pending))


def yes(spelled: str, value: str) -> bool:
    """Read a flag as Docker does; raises UsageError."""
    if value not in (*YES, *NO):
        raise UsageError(f"{spelled} cannot be {value!r}", "true or false")
    return value in YES


def _check(name: str, value: str) -> None:
    option = OPTIONS[name]
    if not option.metavar:
        yes(f"run --{name}", value)
    elif option.only and value not in option.choices:
        raise UsageError(f"run --{name} cannot be {value!r}", " or ".join(option.choices))


def _long(word: str, pending: deque[str]) -> list[tuple[str, str]]:
    spelled, equals, value = word[2:].partition("=")
    name = ALIASES.get(spelled, spelled)
    option = OPTIONS.get(name)
    if option is None:
        near = nearest(spelled, OPTIONS)
        fix = f'did you mean "--{near}"?' if near else "help run lists them"
        raise UsageError(f"run has no option --{spelled[:40]}", fix)
    if not option.metavar:
        return [(name, value if equals else "true")]
    return [(name, value if equals else _next(f"--{name}", option, pending))]


def _short(word: str, pending: deque[str]) -> list[tuple[str, str]]:
    """Read ``-it``, ``-p 80:80`` and ``-p80:80``."""
    found: list[tuple[str, str]] = []
    for place, letter in enumerate(word[1:], 2):
        name = SHORT.get(letter)
        if name is None:
            near = letter.swapcase()
            known = f'did you mean "-{near}"?' if near in SHORT else "help run lists them"
            raise UsageError(f"run has no option -{letter}", known)
        option = OPTIONS[name]
        if option.metavar:
            rest = word[place:].removeprefix("=")
            return [*found, (name, rest or _next(f"-{letter}", option, pending))]
        found.append((name, "true"))
    return found


def _next(spelled: str, option: Option, pending: deque[str]) -> str:
    if not pending:
        raise UsageError(f"run {spelled} needs {option.metavar}", option.help)
    return pending.popleft()
