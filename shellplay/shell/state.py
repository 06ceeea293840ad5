"""The state of a bash as values: what a dump finds, and what a transfer has brought over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from shellplay.model import Value

Ask = Callable[[str], str]

# Variables and functions of ours, which stand in the rc file.
OURS = "__shellplay_"
NAMES = {"shopt": "option", "set": "option"}
PLURALS = {"alias": "aliases"}
SHOWN, LONGEST_NAME = 5, 40


class Item(Value):
    """One part of the state; ``make`` is the script that restores it.

    If it is ``data``, that is one list of builtins, in which we have quoted every value.
    """

    kind: str
    name: str
    make: str
    data: bool = False


class State(Value):
    """The state of a bash: items by kind and name, variables, history, the half-typed line.

    ``variables`` are declarations as bash printed them, without ``declare -``, by name;
    ``options`` are those that are on, by kind.  ``point`` is the cursor in bytes.  ``stays``
    names state that another bash cannot restore.
    """

    items: dict[tuple[str, str], Item]
    variables: dict[str, str]
    words: str
    options: dict[str, tuple[str, ...]]
    umask: str
    history: tuple[str, ...]
    line: str
    point: int
    stays: tuple[str, ...]


class Transferred(Value):
    """The restored items and the failed items, as text for notes.

    ``withheld`` are items that were not restored, because they are code.  ``ended`` are the
    jobs that ended.
    """

    restored: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    withheld: tuple[Item, ...] = ()
    ended: tuple[str, ...] = ()


def phrases(items: Iterable[Item]) -> tuple[str, ...]:
    """Return items as text, one phrase for each kind: ``functions f, g``."""
    names: dict[str, list[str]] = defaultdict(list)
    for item in items:
        names[NAMES.get(item.kind, item.kind)].append(item.name)
    names.pop("line", None)
    return tuple(_phrase(kind, found) for kind, found in names.items())


def _phrase(kind: str, names: list[str]) -> str:
    if names == [""]:
        return kind
    shown = ", ".join(
        each if len(each) <= LONGEST_NAME else f"{each[: LONGEST_NAME - 1]}…"
        for each in names[:SHOWN]
    )
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{kind if len(names) == 1 else PLURALS.get(kind, kind + 's')} {shown}{more}"
