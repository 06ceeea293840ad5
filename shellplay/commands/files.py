"""mount, unmount: what is where in the tree of files that a live bash sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from shellplay.commands.arguments import Target, Word
from shellplay.commands.command import command
from shellplay.commands.outcome import Outcome
from shellplay.errors import UsageError

if TYPE_CHECKING:
    from shellplay.container import Container

TMPFS = "tmpfs"
FORM = "SRC:DST[:ro]"


@command("mount", group="files")
def mount(
    container: Annotated[Container, Target()],
    what: Annotated[str, Word(FORM, "a path outside, or tmpfs, and where it is to be inside")],
) -> Iterator[Outcome]:
    """Mount a file or directory of the host, or a tmpfs, inside, while the bash runs.

    It needs mnt. The path inside is made if it is not there. With :ro nothing in it can be
    written.

    Examples:
        mount ./src:/src:ro
        mount tmpfs:/cache
    """
    source, target, read_only = _parts(what)
    path = None if source == TMPFS else Path(source).expanduser().resolve()
    container.mount(path, target, read_only=read_only)
    yield f"{container.label}: {path or TMPFS} is at {target}{', read-only' * read_only}"


@command("unmount", group="files", aliases=("umount",))
def unmount(
    container: Annotated[Container, Target()],
    target: Annotated[str, Word("DST", "where it is mounted inside")],
) -> Iterator[Outcome]:
    """Unmount what is mounted inside; what uses it just now keeps it until it ends.

    Examples:
        unmount /src
    """
    container.unmount(target)
    yield f"{container.label}: {target} is unmounted"


def _parts(what: str) -> tuple[str, str, bool]:
    source, colon, rest = what.partition(":")
    target, _, option = rest.partition(":")
    if not (source and colon and target) or option not in ("", "ro", "rw"):
        raise UsageError(f"{what!r} is not {FORM}", "as in ./src:/src:ro")
    return source, target, option == "ro"
