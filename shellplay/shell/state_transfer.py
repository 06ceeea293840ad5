"""State transfer: bring one bash into the state of another bash, item by item.

Only items that differ are restored.  An item that cannot be restored is named, and the others
follow.  Examples are a function that this bash cannot parse, or a read-only variable.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from shellplay.shell.quoting import quoted
from shellplay.shell.state import OURS, Ask, Item, State, Transferred, phrases
from shellplay.shell.state_dump import NOT_STATE, OPTIONS
from shellplay.shell.variables import assignment, is_name, parsed, unset

UNDO = {
    "function": r"\builtin unset -f {}",
    "alias": r"\builtin unalias -- {}",
    "trap": r"\builtin trap - {}",
}
# The commands that switch an option of a kind on and off.
SWITCH = {
    "shopt": (r"\builtin shopt -s", r"\builtin shopt -u"),
    "set": (r"\builtin set -o", r"\builtin set +o"),
}
# The script of what is not a declaration: it cannot be restored, and is named.
IMPOSSIBLE = "! :"
# To switch one editor on switches the other off.  To switch both off would end readline,
# which runs our script.
EDITORS = ("emacs", "vi")
# ``shopt`` is first: these options change how bash parses functions.  ``set`` is late:
# errexit and xtrace would change the commands of the script.
ORDER = (
    *("shopt", "variable", "function", "positional parameters", "completions", "alias"),
    *("working directory", "umask", "history", "trap", "set", "line"),
)


def transfer(ask: Ask, want: State, have: State) -> Transferred:
    """Bring the bash behind ``ask`` from state ``have`` into state ``want``."""
    return restore(ask, steps(want, have), want)


def restore(ask: Ask, items: Sequence[Item], want: State) -> Transferred:
    """Restore some items of state ``want``; return which were restored and which failed."""
    if not items:
        return Transferred()
    lines = [
        f"{_script(item)} || \\builtin printf >&3 '\\x1d%s' {number}"
        for number, item in enumerate(items)
    ]
    if not all(item.data for item in items):
        # An alias of this bash must not change the text of a function.
        lines.insert(0, r"\builtin shopt -u expand_aliases")
        if "expand_aliases" in want.options["shopt"]:
            lines.append(r"\builtin shopt -s expand_aliases")
    failed = {int(word) for word in ask("\n".join(lines)).split("\x1d")[1:] if word.isdigit()}
    return Transferred(
        phrases([item for number, item in enumerate(items) if number not in failed]),
        phrases([item for number, item in enumerate(items) if number in failed]),
    )


def _script(item: Item) -> str:
    return item.make if item.data else rf"\builtin eval {shlex.quote(item.make)}"


def steps(want: State, have: State) -> list[Item]:
    """Return what has to be restored or removed, in order."""
    variables = (variable(name, want.variables.get(name)) for name in changed(want, have))
    return in_order([*variables, *other_steps(want, have)])


def other_steps(want: State, have: State) -> list[Item]:
    """Return what has to be restored or removed, but for variables."""
    found = [
        Item(kind, name, UNDO[kind].format(shlex.quote(name)))
        for kind, name in have.items
        if (kind, name) not in want.items and kind in UNDO
    ]
    found += [each for key, each in want.items.items() if have.items.get(key) != each]
    for kind in OPTIONS:
        found += _switches(kind, want.options[kind], have.options[kind])
    if want.words != have.words:
        found.append(Item("positional parameters", "", _words(want)))
    if want.umask != have.umask:
        found.append(Item("umask", "", rf"\builtin umask {quoted(want.umask)}"))
    if want.history != have.history:
        found.append(Item("history", "", _history(want, have)))
    if (want.line, want.point) != (have.line, have.point):
        line = f"READLINE_LINE={quoted(want.line)} READLINE_POINT={want.point}"
        found.append(Item("half-typed line" if want.line else "line", "", line))
    return found


def in_order(items: Iterable[Item]) -> list[Item]:
    """Return items in the order in which they are restored."""
    return sorted(items, key=_rank)


def changed(want: State, have: State) -> list[str]:
    """Return the names of the variables that differ, those that are gone first."""
    gone = [name for name in have.variables if name not in want.variables]
    names = gone + [
        name for name, row in want.variables.items() if have.variables.get(name) != row
    ]
    return [name for name in names if name not in NOT_STATE and not name.startswith(OURS)]


def _switches(kind: str, want: tuple[str, ...], have: tuple[str, ...]) -> list[Item]:
    on, off = SWITCH[kind]
    switched = [Item(kind, name, f"{on} {name}") for name in want if name not in have]
    return switched + [
        Item(kind, name, f"{off} {name}")
        for name in have
        if name not in want and not (kind == "set" and name in EDITORS)
    ]


def variable(name: str, row: str | None) -> Item:
    """Return the item that restores a variable from its declaration; None: it is removed."""
    if row is None:
        return Item("variable", name, unset(name) if is_name(name) else IMPOSSIBLE)
    found = parsed(row)
    return Item("variable", name, IMPOSSIBLE if found is None else assignment(found))


def _words(want: State) -> str:
    words = parsed(want.words)
    if words is None or words.elements is None:
        return IMPOSSIBLE
    return rf"\builtin set -- {' '.join(quoted(text) for _, text in words.elements)}"


def _history(want: State, have: State) -> str:
    new = want.history[len(have.history) :]
    if want.history[: len(have.history)] == have.history:
        return added(new)
    return "\\builtin history -c\n" + added(want.history)


def added(lines: Sequence[str]) -> str:
    """Return the script that adds lines to the history."""
    return "\n".join(rf"\builtin history -s -- {quoted(line)}" for line in lines)


def _rank(step: Item) -> int:
    return ORDER.index(step.kind if step.kind in ORDER else "line")
