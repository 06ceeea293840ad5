"""The argument type of --filter: KEY=VALUE, as for ``docker ps``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shellplay.cmdline.arguments import Argument, Candidate
from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground


class Filter(NamedTuple):
    """A key and a value; ``fits`` tells whether a record has it."""

    key: str
    value: str

    def fits(self, row: Mapping[str, object]) -> bool:
        """Tell whether a record, with the keys of its JSON document, passes."""
        if self.key == "label":
            name, equals, value = self.value.partition("=")
            labels = row["labels"]
            assert isinstance(labels, Mapping)
            return name in labels and (not equals or labels[name] == value)
        if self.key == "dangling":
            return (self.value in ("1", "true")) is not row["used"]
        found = str(row.get(self.key) or "")
        return self.value in found if self.key == "name" else found.startswith(self.value)


class FilterWord(Argument):
    """One KEY=VALUE; ``keys`` maps each key to its description."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__("KEY=VALUE", f"{', '.join(keys)}, as for docker")
        self._keys = keys

    def parse(self, words: Sequence[str], playground: Playground) -> Filter:
        """Return the filter; raises UsageError for an unknown key."""
        key, equals, value = words[0].partition("=")
        if key not in self._keys or not equals or not value:
            fix = did_you_mean(key, self._keys, f"as in {next(iter(self._keys))}=web")
            raise UsageError(f"{quoted(words[0])} is not a filter", fix)
        return Filter(key, value)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the keys."""
        for key, description in self._keys.items():
            yield Candidate(f"{key}=", description)
