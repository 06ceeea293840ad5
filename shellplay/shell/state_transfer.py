"""State transfer: bring one bash into the state of another bash, item by item.

Only items that differ are restored.  An item that cannot be restored is named, and the others
follow.  Examples are a function that this bash cannot parse, or a read-only variable.
"""

from __future__ import annotations

import shlex
from collections import defaultdict

from shellplay.model import Value
from shellplay.shell.state_dump import Ask, Item, State

UNDO = {
    "variable": r"\builtin unset -v {}",
    "function": r"\builtin unset -f {}",
    "alias": r"\builtin unalias -- {}",
    "trap": r"\builtin trap - {}",
    "shopt": r"\builtin shopt -u {}",
    "set": r"\builtin set +o {}",
}
# To switch one editor on switches the other off.  To switch both off would end readline,
# which runs our script.
EDITORS = ("emacs", "vi")
# ``shopt`` is first: these options change how bash parses functions.  ``set`` is late:
# errexit and xtrace would change the commands of the script.
ORDER = (
    *("shopt", "variable", "function", "positional parameters", "completions", "alias"),
    *("working directory", "umask", "history", "trap", "set", "line"),
)
NAMES = {"shopt": "option", "set": "option"}
PLURALS = {"alias": "aliases"}
SHOWN = 5


class Transferred(Value):
    """The restored items and the failed items, as text for notes."""

    restored: tuple[str, ...]
    failed: tuple[str, ...]


def transfer(ask: Ask, want: State, have: State) -> Transferred:
    """Bring the bash behind ``ask`` from state ``have`` into state ``want``."""
    steps = _steps(want, have)
    if not steps:
        return Transferred((), ())
    lines = [
        rf"\builtin eval {shlex.quote(step.make)} || \builtin printf >&3 '\x1d%s' {number}"
        for number, step in enumerate(steps)
    ]
    # An alias of this bash must not change the text of a function.
    aliases = want.items.get(("shopt", "expand_aliases"))
    lines = [r"\builtin shopt -u expand_aliases", *lines, aliases.make if aliases else ""]
    failed = {int(word) for word in ask("\n".join(lines)).split("\x1d")[1:] if word.isdigit()}
    return Transferred(
        _as_text([step for number, step in enumerate(steps) if number not in failed]),
        _as_text([step for number, step in enumerate(steps) if number in failed]),
    )


def _steps(want: State, have: State) -> list[Item]:
    steps = [
        Item(kind, name, UNDO[kind].format(shlex.quote(name)))
        for kind, name in have.items
        if (kind, name) not in want.items
        and kind in UNDO
        and not (kind == "set" and name in EDITORS)
    ]
    steps += [each for key, each in want.items.items() if have.items.get(key) != each]
    if want.history != have.history:
        entries = [rf"\builtin history -s -- {shlex.quote(each)}" for each in want.history]
        steps.append(Item("history", "", "\n".join([r"\builtin history -c", *entries])))
    if (want.line, want.point) != (have.line, have.point):
        line = f"READLINE_LINE={shlex.quote(want.line)} READLINE_POINT={want.point}"
        steps.append(Item("half-typed line" if want.line else "line", "", line))
    return sorted(steps, key=_rank)


def _rank(step: Item) -> int:
    return ORDER.index(step.kind if step.kind in ORDER else "line")


def _as_text(steps: list[Item]) -> tuple[str, ...]:
    names: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        names[NAMES.get(step.kind, step.kind)].append(step.name)
    names.pop("line", None)
    return tuple(_phrase(kind, found) for kind, found in names.items())


def _phrase(kind: str, names: list[str]) -> str:
    if names == [""]:
        return kind
    shown = ", ".join(names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{kind if len(names) == 1 else PLURALS.get(kind, kind + 's')} {shown}{more}"
