"""The bottom bar: container, fences, shell state and parked bashes, read as it is drawn."""

from shellplay.errors import ShellplayError
from shellplay.playground.playground import Playground

Fragments = list[tuple[str, str]]


def bar(playground: Playground) -> Fragments:
    """Return the styled pieces of the bar, the most telling first for narrow terminals."""
    container = playground.current
    if container is None:
        return [("class:bar.hint", " no container: new makes one, help lists the commands ")]
    try:
        standing = [record.fence for record in container.fences() if record.up]
    except ShellplayError as error:
        return [("class:bar.name", f" {container.label} "), ("class:bar.hint", f" {error} ")]
    fences = " ".join(standing) or "no fences"
    pieces = [
        ("class:bar.name", f" {container.label} "),
        ("class:bar.fences", f" {fences} "),
        ("class:bar.state", f" {container.state} "),
    ]
    if container.parked:
        pieces.append(("class:bar.parked", f" {len(container.parked)} parked "))
    others = len(playground.containers) - 1
    if others:
        pieces.append(("class:bar.hint", f" +{others} more "))
    return pieces
