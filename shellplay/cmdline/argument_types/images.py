"""The argument type of ``image``: a verb and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shellplay.cmdline.argument_types.paths import files
from shellplay.cmdline.argument_types.verbs import Form, VerbWords
from shellplay.cmdline.arguments import Candidate

FORMS = {
    "ls": Form("list the images", "", 0, 0, "image ls"),
    "import": Form(
        "make an image of a root file system, or take images from an archive or a layout",
        "FILE|DIR [NAME]", 1, 2, "image import root.tar.gz web",
        "reads {}, and writes an image to your images",
    ),
    "pull": Form(
        "fetch an image from a registry", "NAME", 1, 1, "image pull busybox",
        "fetches {} from a registry to your images",
    ),
    "rm": Form(
        "remove images", "NAME...", 1, 1000, "image rm web", "removes {} from your images"
    ),
    "inspect": Form(
        "show all there is to know of an image", "NAME", 1, 1, "image inspect web"
    ),
    "export": Form(
        "write an image as an OCI layout", "NAME FILE.tar|DIR", 2, 2,
        "image export web web.tar", "writes a file or a directory: {}",
    ),
}  # fmt: skip
NAMED = ("pull", "rm", "inspect", "export")


class ImageWords(VerbWords):
    """A verb of ``image`` and its words."""

    command = "image"
    forms = FORMS

    def complete_words(self, before: Sequence[str], word: str) -> Iterator[Candidate]:
        """Offer images or files."""
        if before[0] in NAMED and (len(before) == 1 or before[0] == "rm"):
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
