"""Lines of docker(1), podman(1), unshare(1) and nsenter(1), in the words of shellplay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shlex import join
from typing import NoReturn

from shellplay.cmdline.index import COMMANDS
from shellplay.errors import Refused, UsageError
from shellplay.fences.index import ORDER
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground

# Commands of Docker that have another name here.  What has the same name is not listed.
DOCKER = {
    "attach": ("enter",),
    "help": ("help", "docker"),
    "images": ("image", "ls"),
    "info": ("doctor",),
    "list": ("containers",),
    "ls": ("containers",),
    "ps": ("containers",),
    "rmi": ("image", "rm"),
    "unpause": ("resume",),
}
SAME = frozenset(
    {
        *("cp", "image", "inspect", "kill", "logs", "pause", "pull", "rm", "run", "stats"),
        *("stop", "version", "volume", "wait"),
    }
)
# Commands of Docker that begin with the name of a container, which is an option here.
ON_CONTAINER = {
    "commit": ("commit", ()),
    "diff": ("diff", ("files",)),
    "exec": ("exec", ()),
    "top": ("ps", ()),
}
HINTS = {
    "build": "fence root overlay, change files inside, then commit NAME",
    "create": "new makes a container with a bash, run -d starts an image",
    "load": "image import FILE",
    "login": "! docker login; pull uses what it keeps",
    "network": "connect and disconnect; help connect",
    "port": "containers lists the published ports",
    "restart": "stop it, then run it again",
    "save": "image export NAME FILE",
    "start": "run starts a container, new starts a bash",
    "update": "limit memory 64M; help limit",
}

NAMESPACES = {
    "m": "mnt",
    "u": "uts",
    "i": "ipc",
    "n": "net",
    "p": "pid",
    "U": "user",
    "C": "cgroup",
    "T": "time",
}
LONG = {
    **{"--mount": "mnt", "--uts": "uts", "--ipc": "ipc", "--net": "net", "--pid": "pid"},
    **{"--user": "user", "--cgroup": "cgroup", "--time": "time", "--mount-proc": "mnt"},
}
# Options of unshare that say what a fence does without being asked.
IMPLIED = {"-f", "--fork", "--kill-child"}
AS_ROOT = {"-r", "--map-root-user"}


def translated(words: Sequence[str], playground: Playground) -> list[str]:
    """Return the words of a line of another program as those of shellplay.

    Raises UsageError or Refused for what has no counterpart here, with what comes close.
    """
    program, rest = words[0], list(words[1:])
    if program == "unshare":
        return _unshare(rest) if rest[:1] and rest[0].startswith("-") else ["fence", *rest]
    if program == "nsenter":
        return _nsenter(rest, playground) if any(map(_is_option, rest)) else ["enter", *rest]
    return _docker(program, rest)


def _docker(program: str, words: list[str]) -> list[str]:
    if words[:1] == ["container"]:
        del words[0]
    if not words or words[0] in ("--help", "-h"):
        return ["help", "docker"]
    verb, rest = words[0], words[1:]
    if any(word == "--help" for word in rest[:1]):
        return ["help", (DOCKER.get(verb) or ON_CONTAINER.get(verb) or (verb,))[0]]
    if verb in SAME:
        return words
    if verb in DOCKER:
        # containers lists those that have ended, too.
        return [*DOCKER[verb], *(word for word in rest if word not in ("-a", "--all"))]
    if verb in ON_CONTAINER:
        name, fixed = ON_CONTAINER[verb]
        options = _leading_options(rest, COMMANDS[name].rest or {})
        if not rest:
            raise UsageError(f"{program} {verb} needs a container", f"{name} -c NAME")
        return [name, *options, "-c", rest[0], *fixed, *rest[1:]]
    fix = HINTS.get(verb) or did_you_mean(
        verb, [*DOCKER, *SAME, *ON_CONTAINER, *HINTS, "container"], "help lists the commands"
    )
    raise UsageError(f"{program} {quoted(verb)} has no counterpart here", fix)


def _leading_options(words: list[str], known: Mapping[str, bool]) -> list[str]:
    """Take the options before the first argument, with their values, out of the words."""
    taken: list[str] = []
    while words and _is_option(words[0]):
        taken.append(words.pop(0))
        if known.get(taken[-1]) and words:
            taken.append(words.pop(0))
    return taken


def _unshare(words: Sequence[str]) -> list[str]:
    kinds: set[str] = set()
    for word in words:
        if word in IMPLIED:
            continue
        if word in AS_ROOT:
            kinds.add("user")
        elif word in LONG:
            kinds.add(LONG[word])
        elif not _is_option(word):
            fences = " ".join(_ordered(kinds))
            raise UsageError(
                "unshare starts no program here, it fences the live bash",
                f"fence {fences}; in {word}",
            )
        else:
            kinds.update(_letters(word))
    return ["fence", *_ordered(kinds)]


def _letters(word: str) -> Iterator[str]:
    for letter in word[1:]:
        if f"-{letter}" in AS_ROOT:
            yield "user"
        elif letter in NAMESPACES:
            yield NAMESPACES[letter]
        elif f"-{letter}" not in IMPLIED:
            _unknown("unshare", word)


def _nsenter(words: Sequence[str], playground: Playground) -> list[str]:
    """Return ``enter`` or ``exec`` for the container of the target process."""
    target = ""
    pending = list(words)
    while pending and _is_option(pending[0]):
        word = pending.pop(0)
        if word in ("-t", "--target", "-at"):
            target = pending.pop(0) if pending else ""
        elif word.startswith(("--target=", "-t")):
            target = word.removeprefix("--target=").removeprefix("-t")
        elif word not in (*LONG, "--all") and not set(word[1:]) <= {*NAMESPACES, "a"}:
            _unknown("nsenter", word)
    for container in playground.containers:
        if str(container.pid) == target:
            chosen = ["exec", "-c", container.label] if pending else ["enter", container.label]
            return [*chosen, *pending]
    raise Refused(
        f"no live bash here has the PID {quoted(target)}",
        f"containers lists them; on the host: ! {join(('nsenter', *words))}",
    )


def _ordered(kinds: set[str]) -> list[str]:
    return [kind for kind in ORDER if kind in kinds]


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1


def _unknown(program: str, word: str) -> NoReturn:
    fix = "help fence lists the fences" if program == "unshare" else "help enter"
    raise UsageError(f"{program} {word} has no counterpart here", fix)
