"""Bindings: the value of each named tag, and the line of the recipe that bound it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shellplay.errors import UsageError
from shellplay.recipe import tag


@dataclass(frozen=True, slots=True)
class Binding:
    """A value, and the line of the recipe that bound it (0: the line is not known)."""

    value: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.value} from line {self.line}" if self.line else self.value


class Bindings(Mapping[str, Binding]):
    """A mapping from the names of tags to their bindings; immutable and hashable."""

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

    def bind(self, name: str, value: str, line: int = 0) -> Bindings:
        """Return new bindings: a copy of these with one more name."""
        return Bindings({**self._known, name: Binding(value, line)})

    def substitute(self, text: str) -> str:
        """Return a command in which each named tag is replaced by its value.

        Raises `UsageError` if a name has no value.
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
