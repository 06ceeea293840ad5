"""The argument type of ``volume``: a verb and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shellplay.cmdline.argument_types.verbs import Form, VerbWords
from shellplay.cmdline.arguments import Candidate

FORMS = {
    "ls": Form("list the volumes", "", 0, 0, "volume ls"),
    "create": Form(
        "make a volume", "[NAME]", 0, 1, "volume create data", "makes a volume among yours"
    ),
    "rm": Form(
        "remove volumes with their files", "NAME...", 1, 1000, "volume rm data",
        "removes your volumes {}, with all files in them",
    ),
    "inspect": Form(
        "show all there is to know of volumes", "NAME...", 1, 1000, "volume inspect data"
    ),
    "prune": Form(
        "remove those that no container has", "", 0, 0, "volume prune",
        "removes those of your volumes that no container has",
    ),
}  # fmt: skip
NAMED = ("rm", "inspect")


class VolumeWords(VerbWords):
    """A verb of ``volume`` and its words."""

    command = "volume"
    forms = FORMS

    def complete_words(self, before: Sequence[str], word: str) -> Iterator[Candidate]:
        """Offer volumes."""
        if before[0] in NAMED:
            yield from volumes()


def volumes() -> Iterator[Candidate]:
    """Offer the volumes of the user."""
    from shellplay.volume.store import VolumeStore

    for each in VolumeStore().volumes():
        yield Candidate(each.name, "a volume without a name" if each.anonymous else "a volume")
