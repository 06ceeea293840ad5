"""The names of experiments, for ``probe``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from shellplay.cmdline.arguments import Argument, Candidate, ContainerName
from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean, quoted

if TYPE_CHECKING:
    from shellplay.playground.playground import Playground
    from shellplay.refusal.experiments.experiment import Experiment

WORDS = {"host": "no fence at all", "docker": "the fences of docker run"}


class Experiments(Argument):
    """Experiments or groups of them; all if none is named."""

    arity = "many"

    def parse(self, words: Sequence[str], playground: Playground) -> tuple[str, ...]:
        """Return the names of the experiments; raises UsageError for an unknown word."""
        known = _known()
        names = {each.name for each in known}
        groups = {each.group.replace(" ", "-") for each in known}
        for word in words:
            if word not in names | groups:
                fix = did_you_mean(word, names | groups, "probe shows all of them")
                raise UsageError(f"there is no experiment {quoted(word)}", fix)
        chosen = (
            each for each in known if {each.name, each.group.replace(" ", "-")} & {*words}
        )
        return tuple(each.name for each in chosen)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the experiments that are not given yet, and the groups."""
        known = _known()
        for group in dict.fromkeys(each.group for each in known):
            yield Candidate(group.replace(" ", "-"), "all of this group")
        for each in known:
            if each.name not in before:
                yield Candidate(each.name, each.tries)


def _known() -> Sequence[Experiment]:
    # Loaded here: other commands need no experiment.
    from shellplay.refusal.experiments import experiments

    return experiments(os.getpid())


class Beside(ContainerName):
    """What to compare with: ``host``, ``docker``, or another container."""

    def parse(self, words: Sequence[str], playground: Playground) -> object:
        """Return the word; raises Refused if there is no such container."""
        return words[0] if words[0] in WORDS else super().parse(words, playground)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the two words, and the containers."""
        yield from (Candidate(name, description) for name, description in WORDS.items())
        yield from super().complete(before, word, playground)
