"""mount, unmount, diff, commit: the files that a live bash sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.argument_types.paths import Mount, MountedPlace
from shellplay.cmdline.arguments import Choice, Target, Word
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.cmdline.registry import command
from shellplay.directories import expanded
from shellplay.errors import UsageError

if TYPE_CHECKING:
    from shellplay.container.container import Container

TMPFS = "tmpfs"
WHAT = {"files": "with those that the root fence went up with"}
FORM = "SRC:DST[:ro,idmap]"
OPTIONS = ("ro", "rw", "idmap")


def _on_host(words: Sequence[str]) -> Iterator[str]:
    for source, _, options in map(_parts, words):
        if source != TMPFS:
            verb = "read" if "ro" in options else "change"
            yield f"lets programs inside {verb} {source}"


@command("mount", group="files", host=_on_host)
def mount(
    container: Annotated[Container, Target()],
    what: Annotated[str, Mount(FORM, "a path outside, or tmpfs, and where it is to be inside")],
) -> Iterator[Outcome]:
    """Mount a file or directory of the host, or a tmpfs, inside, while the bash runs.

    It needs mnt. The path inside is made if it is not there. With :ro nothing in it can be
    written; with :idmap a file of root outside is one of root inside a user fence, and the
    other way around, which takes root and Linux 5.12.

    Examples:
        mount ./src:/src:ro
        mount ./src:/src:idmap
        mount tmpfs:/cache
    """
    source, target, options = _parts(what)
    path = None if source == TMPFS else expanded(source).resolve()
    read_only, mapped = "ro" in options, "idmap" in options
    container.files.mount(path, target, read_only=read_only, mapped=mapped)
    how = f"{', read-only' * read_only}{', with its owners mapped' * mapped}"
    yield f"{container.label}: {path or TMPFS} is at {target}{how}"


@command("unmount", group="files", host=None, aliases=("umount",))
def unmount(
    container: Annotated[Container, Target()],
    target: Annotated[str, MountedPlace("DST", "where it is mounted inside")],
) -> Iterator[Outcome]:
    """Unmount what is mounted inside; what uses it just now keeps it until it ends.

    Examples:
        unmount /src
    """
    container.files.unmount(target)
    yield f"{container.label}: {target} is unmounted"


@command("diff", group="files", host=None, json=True)
def diff(
    container: Annotated[Container, Target()],
    what: Annotated[str, Choice("files", "what to compare", WHAT)],
) -> Iterator[Outcome]:
    """Show which files are not as they were: A added, C changed, D deleted.

    It needs root, on the host's files or on an image.

    Examples:
        diff files
        diff files --json
    """
    found = list(container.files.changes())
    facts = {
        "container": container.label,
        "changes": [{"kind": each.kind, "path": each.path} for each in found],
    }

    def view() -> object:
        from shellplay.views.sanitize import safe_line

        lines = (f"{each.kind} {safe_line(each.path)}" for each in found)
        return "\n".join(lines) or f"{container.label}: no file was changed"

    yield Document("diff", lambda: facts, view)


@command("commit", group="files", host="writes an image to your images")
def commit(
    container: Annotated[Container, Target()],
    name: Annotated[str, Word("NAME", "what the image is to be called")],
) -> Iterator[Outcome]:
    """Make an image of the files: of the image below, and what was changed.

    Examples:
        commit web:2
    """
    from shellplay.commands.image_verbs import arrived

    image = yield from container.files.commit(name)
    yield arrived(image)


def _parts(what: str) -> tuple[str, str, tuple[str, ...]]:
    source, colon, rest = what.partition(":")
    target, more, listed = rest.partition(":")
    options = tuple(listed.split(",")) if more else ()
    fits = source and colon and target and all(each in OPTIONS for each in options)
    if not fits or {"ro", "rw"} <= set(options) or (source == TMPFS and "idmap" in options):
        raise UsageError(f"{what!r} is not {FORM}", "as in ./src:/src:ro")
    return source, target, options
