"""image, pull: the local store of images."""

from collections.abc import Iterator
from typing import Annotated

from shellplay.cmdline.argument_types.images import ImageWords
from shellplay.cmdline.argument_types.verbs import Order
from shellplay.cmdline.arguments import Option, Word
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.registry import command

LIST = Order("ls", ())
PLATFORM = Option(
    "for this platform and not for this machine",
    argument=Word("OS/ARCH", "as in linux/arm64"),
)


@command(
    "image", group="images", host=ImageWords.effects, aliases=("images",), json=True, alone=True
)
def image(
    front: Front,
    order: Annotated[Order, ImageWords("VERB", "ls, import, pull, rm, inspect, export")] = LIST,
    *,
    platform: Annotated[str | None, PLATFORM] = None,
) -> Iterator[Outcome]:
    """Keep images: list, import, show, export and remove them.

    image import takes a root file system (a directory, or a tar, also compressed), what
    docker save writes, or an OCI layout (a directory, or a tar), and unpacks it, so that a
    container can be put on it. The content tells which it is. Of an image for several
    platforms it takes the one for this machine, or for --platform.

    image pull fetches an image from a registry, the hub of Docker if the name has no other,
    and checks what it gets; after a broken connection it goes on where it stopped. Names and
    passwords are those of docker login.

    image export writes an OCI layout, which skopeo and podman read: into NAME.tar, which
    docker load takes, too, or else into a directory.

    A name is read as Docker reads it: web is docker.io/library/web:latest. Wherever an image
    is named, the beginning of its ID will do. The images are yours, in XDG_DATA_HOME.

    Examples:
        image ls
        image import root.tar.gz web
        image import ./debian-root
        image pull busybox
        image inspect web --json
        image export web web.tar
        image rm web
    """
    from shellplay.commands import image_verbs

    yield from image_verbs.perform(order, platform, shows_time=front.terminal)


@command(
    "pull", group="images", host="fetches an image from a registry to your images", alone=True
)
def pull(
    front: Front,
    name: Annotated[str, Word("NAME", "an image of a registry, as in busybox:1.36")],
    *,
    platform: Annotated[str | None, PLATFORM] = None,
) -> Iterator[Outcome]:
    """Fetch an image from a registry; the same as image pull.

    Examples:
        pull busybox
        pull localhost:5000/web:2 --platform linux/arm64
    """
    from shellplay.commands import image_verbs

    yield from image_verbs.perform(Order("pull", (name,)), platform, shows_time=front.terminal)
