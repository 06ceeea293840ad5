"""Help texts: the list of the commands, and a page for each command and fence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shellplay.cmdline.argument_types.fences import fence_type
from shellplay.cmdline.arguments import Option
from shellplay.cmdline.binder import usage
from shellplay.cmdline.index import COMMANDS
from shellplay.cmdline.registry import GROUPS, Command

if TYPE_CHECKING:
    from shellplay.fences import Option as FenceOption

NARROW = 12
EVERYDAY = (
    *("tour", "new", "fence", "peel", "look", "in", "enter", "ps", "run", "trace"),
    *("help", "quit"),
)


def wrap(text: str, width: int) -> list[str]:
    """Break a text at its blanks into lines of at most ``width`` columns."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


def everyday(width: int) -> str:
    """Return the list of the commands that most sessions need, each with its summary."""
    rows = [(name, COMMANDS[name].summary) for name in EVERYDAY]
    hint = (
        f"help -a lists all {len(COMMANDS)} commands. help COMMAND says more, help keys lists "
        "the keys. A ; separates commands."
    )
    return "\n".join([*columns(rows, width), "", *wrap(hint, max(NARROW, width))])


def overview(width: int) -> str:
    """Return the list of the commands by group, each with its summary."""
    lines: list[str] = []
    for group in GROUPS:
        rows = [(name, one.summary) for name, one in COMMANDS.items() if one.group == group]
        if rows:
            lines += ["", group, *columns(rows, width)]
    hint = "help COMMAND tells more, help keys the keys; ; separates commands."
    return "\n".join([*lines[1:], "", *wrap(hint, max(NARROW, width))])


def page(command: Command) -> Callable[[int], str]:
    """Return the layout of the page of one command."""

    def layout(width: int) -> str:
        room = max(NARROW, width)
        lines = [usage(command), "", *wrap(command.summary, room)]
        for paragraph in filter(None, command.body.split("\n\n")):
            lines += ["", *wrap(paragraph, room)]
        for title, rows in sections(command):
            if rows:
                lines += ["", title, *columns(rows, width)]
        return "\n".join([*lines, "", "examples", *(f"  {e}" for e in command.examples)])

    return layout


def fence_page(kind: str) -> Callable[[int], str]:
    """Return the layout of the page of one fence: what it hides and its options."""
    from inspect import cleandoc

    fence = fence_type(kind)

    def layout(width: int) -> str:
        room = max(NARROW, width)
        lines = [f"fence {kind} [OPTIONS]"]
        for paragraph in cleandoc(fence.__doc__ or "").replace("``", "").split("\n\n"):
            lines += ["", *wrap(paragraph, room)]
        rows = [(spelled(one), one.help) for one in fence.options()]
        options = ["", "options", *columns(rows, width)] if rows else []
        return "\n".join([*lines, *options, "", f"see {fence.man}"])

    return layout


def spelled(option: FenceOption) -> str:
    """Return the spelling of an option of a fence; a bare choice needs no key."""
    if option.flag and option.bare:
        return option.name
    if option.flag:
        return f"--no-{option.name}" if option.on else f"--{option.name}"
    keyed = f"{option.name}={option.metavar}"
    return "|".join((*(option.choices or (option.metavar,)), keyed)) if option.bare else keyed


def sections(command: Command) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the columns of a page: arguments, options and aliases."""
    spelled: dict[tuple[str, int], list[str]] = {}
    options: dict[int, Option] = {}
    for spelling, (name, option) in command.options.items():
        spelled.setdefault((name, id(option)), []).append(spelling)
        options[id(option)] = option
    rows = []
    for (_, key), spellings in spelled.items():
        option = options[key]
        rows.append((f"{', '.join(spellings)} {option.metavar}".rstrip(), option.help))
    arguments = [(argument.metavar, argument.help) for _, argument in command.arguments]
    names = [(alias, f"another name of {command.name}") for alias in command.aliases]
    return [("arguments", arguments), ("options", rows), ("also", names)]


def columns(rows: list[tuple[str, str]], width: int) -> list[str]:
    """Lay out names and meanings in two columns, or below each other in a narrow width."""
    widest = max(len(name) for name, _ in rows) + 4
    lines: list[str] = []
    for name, meaning in rows:
        if width - widest < 2 * NARROW:
            lines.append(f"  {name}")
            lines += [f"    {line}" for line in wrap(meaning, max(NARROW, width - 4))]
            continue
        first, *more = wrap(meaning, width - widest) or [""]
        lines.append(f"  {name:<{widest - 2}}{first}".rstrip())
        lines += [" " * widest + line for line in more]
    return lines
