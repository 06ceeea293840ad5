"""The argument type of ``volume``: a verb and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shellplay.cmdline.arguments import Argument, Candidate, Choice
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground


class Form(NamedTuple):
    """A verb: its help, its words and their least and greatest number, and an example."""

    help: str
    words: str
    least: int
    most: int
    example: str


FORMS = {
    "ls": Form("list the volumes", "", 0, 0, "volume ls"),
    "create": Form("make a volume", "[NAME]", 0, 1, "volume create data"),
    "rm": Form("remove volumes with their files", "NAME...", 1, 1000, "volume rm data"),
    "inspect": Form(
        "show all there is to know of volumes", "NAME...", 1, 1000, "volume inspect data"
    ),
    "prune": Form("remove those that no container has", "", 0, 0, "volume prune"),
}
NAMED = ("rm", "inspect")
VERB = Choice("VERB", "what to do", {verb: form.help for verb, form in FORMS.items()})


class VolumeOrder(NamedTuple):
    """A verb of ``volume`` and its words."""

    verb: str
    words: tuple[str, ...]


class VolumeWords(Argument):
    """A verb and its words."""

    arity = "many"

    def parse(self, words: Sequence[str], playground: Playground) -> VolumeOrder:
        """Return the verb and its words; UsageError for an unknown verb or a wrong number."""
        verb = str(VERB.parse(words, playground))
        form = FORMS[verb]
        given = tuple(words[1:])
        if not form.least <= len(given) <= form.most:
            what = "needs" if len(given) < form.least else "takes"
            raise UsageError(
                f"volume {verb} {what} {form.words or 'no more words'}",
                f"as in: {form.example}",
            )
        return VolumeOrder(verb, given)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the verbs, then volumes."""
        if not before:
            yield from VERB.complete(before, word, playground)
        elif before[0] in NAMED:
            yield from volumes()


def volumes() -> Iterator[Candidate]:
    """Offer the volumes of the user."""
    from shellplay.volume.store import VolumeStore

    for each in VolumeStore().volumes():
        yield Candidate(each.name, "a volume without a name" if each.anonymous else "a volume")
