"""State dump: read the state of a bash as values that another bash can restore.

Bash prints the dump by builtins like ``declare -p`` and ``trap -p``, and we split it here.  So
bash does not fork, which a fence may deny.  Each builtin is called as ``\\builtin``, because no
alias replaces it.  A random token separates the parts.

A program behind a fence can print a dump in the place of bash.  What does not look like one is
refused, and the rest is taken for nothing but text.
"""

from __future__ import annotations

import os
import re
import shlex

from shellplay.errors import ShellplayError
from shellplay.shell.bash_rc import DUMP
from shellplay.shell.quoting import QUOTED, quoted, unquoted
from shellplay.shell.state import OURS, Ask, Item, State

# Variables that bash computes, or that are about this process only.
NOT_STATE = frozenset(
    (
        *("BASH", "BASHOPTS", "BASHPID", "BASH_ALIASES", "BASH_ARGC", "BASH_ARGV"),
        *("BASH_ARGV0", "BASH_CMDS", "BASH_COMMAND", "BASH_EXECUTION_STRING"),
        *("BASH_LINENO", "BASH_MONOSECONDS", "BASH_REMATCH", "BASH_SOURCE"),
        *("BASH_SUBSHELL", "BASH_TRAPSIG", "BASH_VERSINFO", "BASH_VERSION", "COLUMNS"),
        *("COMP_CWORD", "COMP_KEY", "COMP_LINE", "COMP_POINT", "COMP_TYPE", "COMP_WORDS"),
        *("DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS"),
        *("HISTCMD", "HOSTTYPE", "LINENO", "LINES", "MACHTYPE", "OLDPWD", "OSTYPE"),
        *("PIPESTATUS", "PPID", "PWD", "RANDOM", "READLINE_ARGUMENT", "READLINE_LINE"),
        *("READLINE_MARK", "READLINE_POINT", "SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM"),
        *("UID", "_"),
    )
)
# The variable with the options that are on, by the command that changes them.
OPTIONS = {"shopt": "BASHOPTS", "set": "SHELLOPTS"}
HANDLER = "command_not_found_handle"
PARTS = (
    *(
        "variables",
        "words",
        "functions",
        "handler",
        "aliases",
        "completions",
        "directories",
        "umask",
    ),
    *("place", "line", "history", "traps"),
)
_VALUE = rf"(?:{QUOTED}|\\.|[^\"'\\\n])*+"
_ALIAS = rf"(?ms)^alias (?:-- )?([^=\n]+)=({_VALUE})\n"
_TRAP = rf"(?ms)^trap -- ((?:{QUOTED}|\\.|[^\"'\\\n ])++) ([A-Z0-9+-]+)\n"
_OPTION = re.compile(r"[a-z_0-9-]+")


def dump(ask: Ask) -> State:
    """Read the whole state of a bash.

    ``ask`` runs a script in this bash, and returns the text that it prints to descriptor 3.
    Raises ShellplayError if that is not a dump.
    """
    token = os.urandom(8).hex()
    found = _parts(ask, token)
    try:
        point, line = found["line"].split("\x1f")[:2]
        old, new = found["place"].split("\x1f")[1::-1]
        items = [*_items(found, new, old), *_functions(ask, found)]
        variables = _variables(found["variables"])
        return State(
            items={(each.kind, each.name): each for each in items},
            variables=variables,
            words=found["words"].removeprefix("declare -"),
            options={kind: _options(variables, name) for kind, name in OPTIONS.items()},
            umask=found["umask"].strip(),
            history=_history(found["history"], token),
            line=line,
            point=int(point or 0),
            stays=("directory stack",) if len(found["directories"].splitlines()) > 1 else (),
        )
    except (KeyError, ValueError) as error:
        raise ShellplayError("bash has not told its state in the form of a dump") from error


def _parts(ask: Ask, token: str) -> dict[str, str]:
    """Have bash print a dump; return its parts by name."""
    script = (
        rf"""__shellplay_dump {token} "$@"; \builtin printf >&3 '\x1d{token}traps\n'"""
        "\n\\builtin trap -p >&3"
    )
    found = _split(ask(script), token)
    if "variables" not in found:
        # The user has undefined the function.
        found = _split(ask(DUMP + script), token)
    return found


def _split(text: str, token: str) -> dict[str, str]:
    parts = (part.partition("\n") for part in text.split(f"\x1d{token}")[1:])
    return {name: content for name, _, content in parts}


def _variables(text: str) -> dict[str, str]:
    rows = f"\n{text}".split("\ndeclare -")[1:]
    return {row.partition(" ")[2].partition("=")[0].rstrip("\n"): row for row in rows}


def _options(variables: dict[str, str], name: str) -> tuple[str, ...]:
    words = variables.get(name, "").partition("=")[2].strip('\n"').split(":")
    return tuple(word for word in words if _OPTION.fullmatch(word))


def _items(found: dict[str, str], new: str, old: str) -> list[Item]:
    completions = re.sub(r"(?m)^complete ", r"\\builtin complete ", found["completions"])
    place = rf"\builtin cd -- {quoted(new)} && OLDPWD={quoted(old)}"
    return [
        Item("completions", "", "\\builtin complete -r\n" + completions),
        *(
            Item("alias", name, rf"\builtin alias -- {quoted(name)}={_requoted(value)}")
            for name, value in re.findall(_ALIAS, found["aliases"])
        ),
        Item("working directory", "", place),
        *(
            Item("trap", name, rf"\builtin trap -- {_requoted(action)} {name}")
            for action, name in re.findall(_TRAP, found["traps"])
            # In POSIX mode bash lists all signals; "-" is the default action.
            if action != "-"
        ),
    ]


def _requoted(word: str) -> str:
    text = unquoted(word)
    if text is None:
        raise ValueError(word)
    return quoted(text)


def _functions(ask: Ask, found: dict[str, str]) -> list[Item]:
    listing = found["functions"].splitlines()
    rows = [row.split() for row in listing if row.startswith("declare -")]
    attributes = {name: flags[2:] for _, flags, name in rows if not name.startswith(OURS)}
    if OURS in found.get("handler", ""):
        # It is that of the rc file, which every bash has.
        attributes.pop(HANDLER, None)
    if not attributes:
        return []
    token = os.urandom(8).hex()
    bodies = ask(
        "\n".join(
            rf"\builtin printf >&3 '\x1d{token}'; \builtin declare >&3 -f {shlex.quote(name)}"
            for name in attributes
        )
    ).split(f"\x1d{token}")[1:]
    return [
        Item("function", name, body + _attributed(name, flags.replace("f", "")))
        for (name, flags), body in zip(attributes.items(), bodies, strict=True)
    ]


def _attributed(name: str, flags: str) -> str:
    return f"\n\\builtin declare -f{flags} {shlex.quote(name)}" if flags else ""


def _history(text: str, token: str) -> tuple[str, ...]:
    entries = re.split(rf"^ *\d+[* ] *\x1e{token}", text, flags=re.MULTILINE)[1:]
    return tuple(entry.removesuffix("\n") for entry in entries)
