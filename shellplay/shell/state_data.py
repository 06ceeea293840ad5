"""Which part of a state is data: what one-way fences let out of a bash without a question.

A program behind a fence can write anything into the state of the bash there.  So what comes out
by itself must be executed by nothing outside: neither by bash, nor by a program that bash
starts.  The rule for variables is one of shape, since no list has all names that programs look
up: a value comes out, its attributes do not.  So a new variable is not exported, and one that
is exported outside stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from operator import eq

from shellplay.shell.quoting import quoted
from shellplay.shell.state import Ask, Item, State, Transferred
from shellplay.shell.state_transfer import (
    added,
    changed,
    in_order,
    other_steps,
    restore,
    variable,
)
from shellplay.shell.variables import ARRAYS, Variable, assignment, parsed, unset

# Variables that bash itself reads, see "Shell Variables" in bash(1).
_OF_BASH = (
    r"(?:BASH|HIST|LC_|PS[0-9]|TERM)\w*|(?:COMP|PROMPT|READLINE)_\w*|\w*PATH|CHILD_MAX|COLUMNS|"
    r"COMPREPLY|COPROC\w*|DIRSTACK|EMACS|ENV|EPOCH(?:REALTIME|SECONDS)|E?UID|EXECIGNORE|FCEDIT|"
    r"FIGNORE|FUNCNAME|FUNCNEST|GLOBIGNORE|GLOBSORT|GROUPS|HOME|HOST(?:FILE|NAME|TYPE)|IFS|"
    r"IGNOREEOF|ignoreeof|INPUTRC|INSIDE_EMACS|LANG\w*|LINE(?:NO|S)|MACHTYPE|MAIL\w*|MAPFILE|"
    r"OLDPWD|OPT(?:ARG|ERR|IND)|OSTYPE|PIPESTATUS|POSIXLY_CORRECT|PPID|PWD|RANDOM|REPLY|SECONDS|"
    r"SHELLOPTS|SHLVL|SRANDOM|TEXTDOMAIN\w*|TIMEFORMAT|TMOUT|TMPDIR|TZ\w*|auto_resume|histchars"
)
# Variables that hold commands, by the customs of prompts and programs.
_OF_PROGRAMS = (
    r"_\w*|\w*(?:COMMANDS?|command|commands|functions|hooks?|HOOKS?|ASKPASS|BROWSER|EDITOR|"
    r"PAGER|SHELL|OPTS|OPTIONS|FLAGS|PROXY|proxy)|VISUAL|(?:LESS|PERL5|PYTHON|RUBY)\w*|"
    r"(?:CARGO|DOCKER|DYLD|GCC|GIT|JAVA|LD|MAKE|NODE|NPM|PIP|RSYNC|RUST|SSH|SSL|SUDO|XDG)_\w*"
)
_LOOKED_UP = re.compile(f"{_OF_BASH}|{_OF_PROGRAMS}", re.ASCII).fullmatch
# Where a variable is used as a number, bash evaluates a subscript in its value.
_SUBSCRIPT = re.compile(r"[A-Za-z_0-9]\[").search
_SUBSTITUTION = re.compile(r"\$[({\[]|`").search
_SAFE_KEY = re.compile(r"[^]$`\"'\\\[]+").fullmatch
_INTEGER = re.compile(r"-?[0-9]{1,18}").fullmatch
# With these a variable outside stays as it is: reference, read-only, exported.
_KEPT = frozenset("nrx")
# Options that make bash stricter, by their kind.  None of them is switched off.
STRICTER = frozenset(
    (
        *(("set", name) for name in ("noclobber", "nounset", "pipefail")),
        *(("shopt", name) for name in ("checkjobs", "failglob")),
    )
)
_UMASK = re.compile(r"0?[0-7]{1,3}").fullmatch
# A line of history may have several lines; nothing else in it controls a terminal.
_CONTROL = re.compile("[^\\x20-\\x7e\\n\\t\\xa0-\ud7ff\ue000-\U0010ffff]")


def transfer_data(ask: Ask, want: State, have: State, directory: str | None) -> Transferred:
    """Bring what is data of state ``want`` into the bash behind ``ask``, which has ``have``.

    ``directory`` is the directory to change to, None if bash stays where it is.
    """
    data, withheld = divided(want, have)
    if directory is not None:
        go = rf"\builtin cd -P -- {quoted(directory)}"
        data.append(Item("working directory", "", go, data=True))
    return restore(ask, data, want).changed(withheld=tuple(withheld))


def divided(want: State, have: State) -> tuple[list[Item], list[Item]]:
    """Divide what state ``want`` has and ``have`` has not into data and the rest."""
    data: list[Item] = []
    withheld: list[Item] = []
    for name in changed(want, have):
        value, rest = _variable(name, want, have)
        data += value
        withheld += rest
    for step in other_steps(want, have):
        match step.kind:
            case "history":
                lines = [
                    _CONTROL.sub("\N{REPLACEMENT CHARACTER}", each) for each in _new(want, have)
                ]
                if lines:
                    data.append(step.changed(make=added(lines), data=True))
            case "working directory":
                pass  # The kernel says where bash is.
            case _ if _is_data(step, want, have):
                data.append(step.changed(data=True))
            case _:
                withheld.append(step)
    return in_order(data), in_order(withheld)


def _is_data(step: Item, want: State, have: State) -> bool:
    match step.kind:
        case "umask":
            masks = want.umask, have.umask
            # It masks all that the other one masks.
            return all(map(_UMASK, masks)) and not int(have.umask, 8) & ~int(want.umask, 8)
        case "positional parameters":
            words = parsed(want.words)
            return words is not None and all(map(is_plain, words.texts))
        case "shopt" | "set":
            return (step.kind, step.name) in STRICTER and step.name in want.options[step.kind]
    return step.kind == "line"


def is_plain(text: str) -> bool:
    """Tell whether bash executes nothing in a text, also where it is used as a number."""
    subscript = _SUBSCRIPT(text)
    return subscript is None or _SUBSTITUTION(text, subscript.end()) is None


def is_looked_up(name: str) -> bool:
    """Tell whether bash or programs look up a variable by this name."""
    return _LOOKED_UP(name) is not None


def _variable(name: str, want: State, have: State) -> tuple[list[Item], list[Item]]:
    """Return the item of the value that may come out, and the item of what stays inside."""
    row = want.variables.get(name)
    outside = (
        parsed(have.variables[name]) if name in have.variables else Variable(name, frozenset())
    )
    if outside is None or is_looked_up(name) or outside.attributes & _KEPT:
        return [], [variable(name, row)]
    if row is None:
        return [Item("variable", name, unset(name), data=True)], []
    inside = parsed(row)
    if inside is None or not _may_come_out(inside, outside):
        return [], [variable(name, row)]
    kept = outside.attributes - ARRAYS
    plain = inside.changed(attributes=inside.array | kept)
    value, rest = [], []
    if plain != outside:
        value.append(Item("variable", name, assignment(plain), data=True))
    if attributes := inside.attributes - ARRAYS - kept:
        kind = "export" if "x" in attributes else "attribute"
        rest.append(Item(kind, name, assignment(inside)))
    return value, rest


def _may_come_out(inside: Variable, outside: Variable) -> bool:
    if inside.name != outside.name or not all(map(is_plain, inside.texts)):
        return False
    if "i" in outside.attributes and not all(map(_INTEGER, inside.texts)):
        return False
    if "A" not in inside.attributes:
        return True
    return all(_SAFE_KEY(key) and key not in "@*" for key, _ in inside.elements or ())


def _new(want: State, have: State) -> Sequence[str]:
    """Return the lines of history that were added; a full history has lost its first ones."""
    old, now = have.history, want.history
    for lost in range(len(old)):
        kept = len(old) - lost
        if kept <= len(now) and all(map(eq, islice(old, lost, None), now)):
            return now[kept:]
    return now
