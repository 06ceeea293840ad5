"""Bindings: which value each named tag stands for, and the line that said so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shellplay.errors import UsageError
from shellplay.recipe import tag


@dataclass(frozen=True, slots=True)
class Binding:
    """A value, and the line of the recipe that bound it (0 if that is not known)."""

    value: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.value} from line {self.line}" if self.line else self.value


class Bindings(Mapping[str, Binding]):
    """Names of tags and what they stand for; immutable: binding gives a new one."""

    __slots__ = ("_known",)

    def __init__(self, known: Mapping[str, Binding] | None = None) -> None:
        self._known = dict(known or {})

    def __getitem__(self, name: str) -> Binding:
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"Bindings({self._known!r})"

    def __hash__(self) -> int:
        return hash(frozenset(self._known.items()))

    def bound(self, name: str, value: str, line: int = 0) -> Bindings:
        """Return these bindings and one more."""
        return Bindings({**self._known, name: Binding(value, line)})

    def substitute(self, text: str) -> str:
        """Return a command with the value of each named tag in its place.

        Raises `UsageError` if a name is bound to nothing (yet).
        """

        def value(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None:
                return match[0]
            if name not in self._known:
                raise UsageError(
                    f"{match[0]} is bound to no value here",
                    "the step that would have bound it was skipped, or its line did not come",
                )
            return self._known[name].value

        return tag.SYNTAX.sub(value, text)

    def __str__(self) -> str:
        return ", ".join(f"{name}={binding}" for name, binding in self._known.items())
