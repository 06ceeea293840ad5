"""Variables of bash: what ``declare -p`` printed of one, and the script that makes it again.

What is printed by a bash behind a fence may come from a program there.  So a declaration is
read by a strict grammar, and every name, attribute and value is written anew by us.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from shellplay.model import Value
from shellplay.shell.quoting import QUOTED, quoted, unquoted

# What follows ``declare -``: attributes, name and value, see bash(1).
_DECLARATION = re.compile(r"([-aAilnrtuxc]++) ([A-Za-z_][A-Za-z_0-9]*+)(?:=(.*))?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*+")
_KEY = rf"{QUOTED}|[^]\[\s\"'\\$`()&;|<>]++"
_ELEMENT = re.compile(rf"\[({_KEY})\]=({QUOTED}) ?", re.DOTALL)
ARRAYS = frozenset("aA")
Elements = tuple[tuple[str, str], ...]


class Variable(Value):
    """One variable: its attributes as letters, and its value or the elements of its array.

    Both are None if it has attributes only.
    """

    name: str
    attributes: frozenset[str]
    value: str | None = None
    elements: Elements | None = None

    @property
    def texts(self) -> list[str]:
        """All values, without the keys."""
        texts = [text for _, text in self.elements or ()]
        return texts if self.value is None else [*texts, self.value]

    @property
    def array(self) -> frozenset[str]:
        """The attribute that makes it an array, if it is one."""
        return self.attributes & ARRAYS


def parsed(declaration: str) -> Variable | None:
    """Read one declaration without ``declare -``; None if it is none."""
    found = _DECLARATION.fullmatch(declaration.rstrip("\n"))
    if found is None:
        return None
    letters, name, value = found.groups()
    attributes = frozenset(letters) - {"-"}
    if value is None:
        return Variable(name, attributes)
    if attributes & ARRAYS:
        elements = _elements(value, _is_index if "a" in attributes else bool)
        return None if elements is None else Variable(name, attributes, None, elements)
    text = unquoted(value)
    return None if text is None else Variable(name, attributes, text)


def _elements(text: str, is_key: Callable[[str], bool]) -> Elements | None:
    if not (text.startswith("(") and text.endswith(")")):
        return None
    elements, at, end = [], 1, len(text) - 1
    while at < end:
        match = _ELEMENT.match(text, at, end)
        if match is None:
            return None
        at = match.end()
        key, value = unquoted(match[1]), unquoted(match[2])
        if key is None or value is None or not is_key(key):
            return None
        elements.append((key, value))
    return tuple(elements)


def _is_index(key: str) -> bool:
    # Bash evaluates a subscript as an arithmetic expression.
    return key.isascii() and key.isdigit()


def is_name(text: str) -> bool:
    """Tell whether a text is the name of a variable, and nothing that bash would evaluate."""
    return _NAME.fullmatch(text) is not None


def unset(name: str) -> str:
    """Return the command that removes a variable, which fails if that is read-only."""
    # Without the first part a reference (declare -n) would lead to another variable.
    return rf"\builtin unset -n {name}; \builtin unset -v {name}"


def assignment(variable: Variable) -> str:
    """Return the script that makes a variable and nothing but a variable.

    A variable cannot change its kind, and the attribute ``integer`` evaluates a value: so it
    is removed first, and gets its other attributes after its value.
    """
    name = variable.name
    # The script may run in a function, where declare without -g makes a local variable.
    plain = rf"\builtin declare -g{''.join(variable.array)} {name}"
    steps = [unset(name), plain]
    if variable.elements is not None:
        words = " ".join(f"[{quoted(key)}]={quoted(text)}" for key, text in variable.elements)
        # ``\builtin declare`` is a quoted word, and behind it bash parses no list (...).
        steps.append(f"{name}=({words})")
    elif variable.value is not None:
        steps[-1] += f"={quoted(variable.value)}"
    # The option allexport exports each variable that is assigned.
    steps.append(rf"\builtin declare -g +x {name}")
    if others := "".join(sorted(variable.attributes - ARRAYS)):
        steps.append(rf"\builtin declare -g{others} {name}")
    return " && ".join(steps)
