"""The options of ``docker run`` that ``run`` knows: a table for parser, help and completion."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shellplay.errors import UsageError
from shellplay.nearest import nearest

EXAMPLE = "as in: run -it host /bin/bash"


class Option(NamedTuple):
    """One option; ``metavar`` is empty for a flag, ``short`` is its letter or empty.

    Completion offers the ``choices``.  If ``restricted`` is true, every other value is refused.
    """

    help: str
    metavar: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    restricted: bool = False


NETWORKS = ("none", "bridge", "pasta", "host", "container:")
OPTIONS: dict[str, Option] = {
    "interactive": Option("give it what is typed here", short="i"),
    "tty": Option("give it a terminal", short="t"),
    "detach": Option("leave it in the background, see logs, enter and wait", short="d"),
    "rm": Option("forget it when it has ended"),
    "quiet": Option("do not tell the fences that go up, and do not warn", short="q"),
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
    "kernel-memory": Option("discarded, with a warning", "AMOUNT"),
    "oom-kill-disable": Option("discarded, with a warning"),
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
    "userns": Option("whose users", "host", choices=("host",), restricted=True),
    "cgroupns": Option(
        "whose view of cgroups", "host|private", choices=("host", "private"), restricted=True
    ),
    "sig-proxy": Option("pass the signals of shellplay run on to it; it is the default"),
    "stop-signal": Option("the signal that stop sends", "SIGNAL"),
    "pull": Option(
        "when to fetch the image", "always|missing|never",
        choices=("always", "missing", "never"), restricted=True,
    ),
}  # fmt: skip
# Docker takes these with a warning as well, where the kernel does not keep them.
DISCARDED = {
    "kernel-memory": "the kernel keeps no limit of kernel memory alone",
    "oom-kill-disable": "the kernel still kills a program if memory runs out",
}
ALIASES = {"net": "network", "h": "hostname"}
# Docker parses flags with strconv.ParseBool of Go, which accepts these values.
YES, NO = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")
SHORT = {option.short: name for name, option in OPTIONS.items() if option.short}


class RunRequest(NamedTuple):
    """A parsed ``run``: all values of each option, the image, and the words of the command."""

    options: Mapping[str, tuple[str, ...]]
    image: str
    command: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Tell whether a flag is true."""
        return self.options.get(name, ("false",))[-1] in YES

    def last(self, name: str) -> str | None:
        """Return the last value of an option, which overrides the others; None if not given."""
        return self.options[name][-1] if name in self.options else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of an option, in the order of the words."""
        return self.options.get(name, ())


def parse(words: Sequence[str]) -> RunRequest:
    """Parse ``[OPTIONS] IMAGE [COMMAND...]``; raises UsageError with the nearest option."""
    options: dict[str, list[str]] = {}
    pending = deque(words)
    while pending and pending[0].startswith("-") and pending[0] != "-":
        word = pending.popleft()
        if word == "--":
            break
        parse_word = _parse_long if word[1] == "-" else _parse_short
        for name, value in parse_word(word, pending):
            _check_value(name, value)
            options.setdefault(name, []).append(value)
    if not pending:
        raise UsageError("run needs an IMAGE, or host for the files of this machine", EXAMPLE)
    image = pending.popleft()
    values = {name: tuple(texts) for name, texts in options.items()}
    return RunRequest(values, image, tuple(pending))


def parse_flag(spelling: str, value: str) -> bool:
    """Return the truth value of a flag's text; raises UsageError, which names ``spelling``."""
    if value not in (*YES, *NO):
        raise UsageError(f"{spelling} cannot be {value!r}", "true or false")
    return value in YES


def _check_value(name: str, value: str) -> None:
    option = OPTIONS[name]
    if not option.metavar:
        parse_flag(f"run --{name}", value)
    elif option.restricted and value not in option.choices:
        raise UsageError(f"run --{name} cannot be {value!r}", " or ".join(option.choices))


def _parse_long(word: str, pending: deque[str]) -> list[tuple[str, str]]:
    spelling, equals, value = word[2:].partition("=")
    name = ALIASES.get(spelling, spelling)
    option = OPTIONS.get(name)
    if option is None:
        suggestion = nearest(spelling, OPTIONS)
        fix = f'did you mean "--{suggestion}"?' if suggestion else "help run lists them"
        raise UsageError(f"run has no option --{spelling[:40]}", fix)
    if not option.metavar:
        return [(name, value if equals else "true")]
    return [(name, value if equals else _next_value(f"--{name}", option, pending))]


def _parse_short(word: str, pending: deque[str]) -> list[tuple[str, str]]:
    """Parse short options: ``-it``, ``-p 80:80`` or ``-p80:80``."""
    values: list[tuple[str, str]] = []
    for position, letter in enumerate(word[1:], 2):
        name = SHORT.get(letter)
        if name is None:
            other_case = letter.swapcase()
            fix = (
                f'did you mean "-{other_case}"?'
                if other_case in SHORT
                else "help run lists them"
            )
            raise UsageError(f"run has no option -{letter}", fix)
        option = OPTIONS[name]
        if option.metavar:
            attached = word[position:].removeprefix("=")
            return [*values, (name, attached or _next_value(f"-{letter}", option, pending))]
        values.append((name, "true"))
    return values


def _next_value(spelling: str, option: Option, pending: deque[str]) -> str:
    if not pending:
        raise UsageError(f"run {spelling} needs {option.metavar}", option.help)
    return pending.popleft()
