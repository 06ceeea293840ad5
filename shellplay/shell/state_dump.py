"""State dump: read the state of a bash as items that another bash can restore.

Bash prints the dump by builtins like ``declare -p`` and ``trap -p``, and we split it into
items here.  So bash does not fork, which a fence may deny.  Each builtin is called as
``\\builtin``, because no alias replaces it.  A random token separates the parts.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable

from shellplay.model import Value

Ask = Callable[[str], str]

# Variables that bash computes, or that are about this process only.
NOT_STATE = frozenset(
    (
        *(
            "BASH",
            "BASHOPTS",
            "BASHPID",
            "BASH_ALIASES",
            "BASH_ARGC",
            "BASH_ARGV",
            "BASH_ARGV0",
        ),
        *(
            "BASH_CMDS",
            "BASH_COMMAND",
            "BASH_EXECUTION_STRING",
            "BASH_LINENO",
            "BASH_MONOSECONDS",
        ),
        *("BASH_REMATCH", "BASH_SOURCE", "BASH_SUBSHELL", "BASH_TRAPSIG", "BASH_VERSINFO"),
        *("BASH_VERSION", "COLUMNS", "COMP_CWORD", "COMP_KEY", "COMP_LINE", "COMP_POINT"),
        *("COMP_TYPE", "COMP_WORDS", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID"),
        *("FUNCNAME", "GROUPS", "HISTCMD", "HOSTTYPE", "LINENO", "LINES", "MACHTYPE", "OLDPWD"),
        *(
            "OSTYPE",
            "PIPESTATUS",
            "PPID",
            "PWD",
            "RANDOM",
            "READLINE_ARGUMENT",
            "READLINE_LINE",
        ),
        *("READLINE_MARK", "READLINE_POINT", "SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM", "UID"),
        "_",
    )
)
OURS = "__shellplay_"
# The variable with the options that are on, and the command that switches an option on.
OPTIONS = {
    "shopt": ("BASHOPTS", r"\builtin shopt -s"),
    "set": ("SHELLOPTS", r"\builtin set -o"),
}
SECTIONS = {
    "variables": r"\builtin declare -p",
    "functions": r"\builtin declare -F",
    "aliases": r"\builtin alias -p",
    "traps": r"\builtin trap -p",
    "completions": r"\builtin complete -p",
    "directories": r"\builtin dirs -l -p",
    "umask": r"\builtin umask -p",
}
# A quoted part, or an escaped character, as in 'a'\''b'.
_QUOTED = r'\\.|"[^"\\]*(?:\\.[^"\\]*)*"' + r"|\$'[^'\\]*(?:\\.[^'\\]*)*'" + r"|'[^']*'"
_LIST = rf"\((?:{_QUOTED}|[^()\"'\\])*\)"
_DECLARATION = rf"(?ms)^declare -([-\w]+) (\w+)(?:=((?:{_QUOTED}|{_LIST}|[^\"'\\\n])*))?\n"
_ALIAS = rf"(?ms)^alias (?:-- )?([^=\n]+)=((?:{_QUOTED}|[^\"'\\\n])*)\n"
_TRAP = rf"(?ms)^trap -- ((?:{_QUOTED}|[^\"'\\\n])+) (\S+)\n"
_UMASK = r"(?m)^umask (\d+)$"


class Item(Value):
    """One part of the state; ``make`` is the script that restores it."""

    kind: str
    name: str
    make: str


class State(Value):
    """The items of a bash by kind and name, its history, and its half-typed line.

    ``point`` is the cursor in bytes.  ``stays`` names state that another bash cannot restore.
    """

    items: dict[tuple[str, str], Item]
    history: tuple[str, ...]
    line: str
    point: int
    stays: tuple[str, ...]


def dump(ask: Ask) -> State:
    """Read the whole state of a bash.

    ``ask`` runs a script in this bash, and returns the text that it prints to descriptor 3.
    """
    token = os.urandom(8).hex()
    mark = rf"\builtin printf >&3 '\x1d{token}%s\n'"
    script = [f"{mark} {name}; {command} >&3" for name, command in SECTIONS.items()]
    script += [
        rf"""\builtin printf >&3 '\x1d{token}%s\n%s\x1f%s\x1f' place "$PWD" "${{OLDPWD-}}" """,
        rf"""\builtin printf >&3 '\x1d{token}%s\n%s\x1f%s\x1f' line "$READLINE_POINT" """
        r'''"$READLINE_LINE"''',
        rf"{mark} words",
        r'''(($#)) && \builtin printf >&3 '%q ' "$@"''',
        rf"{mark} history; HISTTIMEFORMAT=$'\x1e{token}' \builtin history >&3",
    ]
    parts = ask("\n".join(script)).split(f"\x1d{token}")[1:]
    found = dict(part.split("\n", 1) for part in parts)
    point, line = found["line"].split("\x1f")[:2]
    items = [*_simple_items(found), *_functions(ask, found["functions"])]
    return State(
        items={(each.kind, each.name): each for each in items},
        history=_history(found["history"], token),
        line=line,
        point=int(point or 0),
        stays=("directory stack",) if len(found["directories"].splitlines()) > 1 else (),
    )


def _simple_items(found: dict[str, str]) -> list[Item]:
    old, new = found["place"].split("\x1f")[1::-1]
    place = rf"\builtin cd -- {shlex.quote(new)} && OLDPWD={shlex.quote(old)}"
    words = found["words"].strip()
    completions = re.sub(
        r"^complete ", r"\\builtin complete ", found["completions"], flags=re.M
    )
    declared = re.findall(_DECLARATION, found["variables"])
    return [
        *_options(declared, "shopt"),
        *_variables(declared),
        Item("positional parameters", "", rf"\builtin set -- {words}"),
        Item("completions", "", "\\builtin complete -r\n" + completions),
        *(
            Item("alias", name, rf"\builtin alias -- {name}={value}")
            for name, value in re.findall(_ALIAS, found["aliases"])
        ),
        Item("working directory", "", place),
        *(
            Item("umask", "", rf"\builtin umask {mask}")
            for mask in re.findall(_UMASK, found["umask"])
        ),
        *(
            Item("trap", name, rf"\builtin trap -- {action} {name}")
            for action, name in re.findall(_TRAP, found["traps"])
            # In POSIX mode bash lists all signals; "-" is the default action.
            if action != "-"
        ),
        *_options(declared, "set"),
    ]


def _variables(declared: list[tuple[str, str, str]]) -> list[Item]:
    found = []
    for flags, name, value in declared:
        if name in NOT_STATE or name.startswith(OURS):
            continue
        found.append(Item("variable", name, _declared(name, flags.replace("-", ""), value)))
    return found


def _declared(name: str, flags: str, value: str) -> str:
    # A variable cannot change its kind (array, integer), so we unset it first.  The script may
    # run in the scope of a function, where declare without -g makes a local variable.
    unset = rf"\builtin unset {'-n' if 'n' in flags else '-v'} {name}"
    declare = rf"\builtin declare -g{flags} {name}"
    array = "".join(set(flags) & {"a", "A"})
    if array and value:
        # ``\builtin declare`` is a quoted word, and behind it bash parses no list (...).
        return f"{unset}; \\builtin declare -g{array} {name}; {name}={value}; {declare}"
    return f"{unset}; {declare}" + (f"={value}" if value else "")


def _options(declared: list[tuple[str, str, str]], kind: str) -> list[Item]:
    variable, command = OPTIONS[kind]
    lists = [value for _, name, value in declared if name == variable]
    names = lists[0].strip('"').split(":") if lists else ()
    return [Item(kind, name, f"{command} {name}") for name in names if name]


def _functions(ask: Ask, listing: str) -> list[Item]:
    rows = [row.split() for row in listing.splitlines() if row.startswith("declare -")]
    attributes = {name: flags[2:] for _, flags, name in rows if not name.startswith(OURS)}
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
