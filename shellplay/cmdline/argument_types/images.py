"""The argument type of ``image``: a verb and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shellplay.cmdline.argument_types.paths import files
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
    "ls": Form("list the images", "", 0, 0, "image ls"),
    "import": Form(
        "make an image of a root file system, or take images from an archive or a layout",
        "FILE|DIR [NAME]", 1, 2, "image import root.tar.gz web",
    ),
    "pull": Form("fetch an image from a registry", "NAME", 1, 1, "image pull busybox"),
    "rm": Form("remove images", "NAME...", 1, 1000, "image rm web"),
    "inspect": Form("show all there is to know of an image", "NAME", 1, 1, "image inspect web"),
    "export": Form(
        "write an image as an OCI layout", "NAME FILE.tar|DIR", 2, 2, "image export web web.tar"
    ),
}  # fmt: skip
NAMED = ("pull", "rm", "inspect", "export")
VERB = Choice("VERB", "what to do", {verb: form.help for verb, form in FORMS.items()})


class Order(NamedTuple):
    """A verb of ``image`` and its words."""

    verb: str
    words: tuple[str, ...]


class ImageWords(Argument):
    """A verb and its words."""

    arity = "many"

    def parse(self, words: Sequence[str], playground: Playground) -> Order:
        """Return the verb and its words; UsageError for an unknown verb or a wrong number."""
        verb = str(VERB.parse(words, playground))
        form = FORMS[verb]
        given = tuple(words[1:])
        if len(given) < form.least:
            raise UsageError(f"image {verb} needs {form.words}", f"as in: {form.example}")
        if len(given) > form.most:
            raise UsageError(
                f"image {verb} takes {form.words or 'no more words'}", f"as in: {form.example}"
            )
        return Order(verb, given)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the verbs, then images or files."""
        if not before:
            yield from VERB.complete(before, word, playground)
        elif before[0] in NAMED and (len(before) == 1 or before[0] == "rm"):
            yield from images()
        elif (before[0], len(before)) in (("import", 1), ("export", 2)):
            yield from files(word)


def images() -> Iterator[Candidate]:
    """Offer the images of the store."""
    from shellplay.image.digest import short_digest
    from shellplay.image.reference import familiar
    from shellplay.image.store import Store

    for name, of in Store().manifests().items():
        yield Candidate(familiar(name), f"image {short_digest(of.digest)}")
