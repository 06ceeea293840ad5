"""The bottom toolbar: container, fences, shell state and parked bashes at this moment."""

from shellplay.errors import ShellplayError
from shellplay.playground.playground import Playground

Fragments = list[tuple[str, str]]


def toolbar(playground: Playground) -> Fragments:
    """Return styled fragments, the important ones first: a narrow terminal cuts the end."""
    container = playground.current
    if container is None:
        return [("class:bar.hint", " no container yet: new starts one, help lists commands ")]
    try:
        kinds = [record.fence for record in container.fences() if record.up]
    except ShellplayError as error:
        return [("class:bar.name", f" {container.label} "), ("class:bar.hint", f" {error} ")]
    fences = " ".join(kinds) or "no fences"
    fragments = [
        ("class:bar.name", f" {container.label} "),
        ("class:bar.fences", f" {fences} "),
        ("class:bar.state", f" {container.state} "),
    ]
    if container.parked:
        fragments.append(("class:bar.parked", f" {len(container.parked)} parked "))
    more = len(playground.containers) - 1
    if more:
        fragments.append(("class:bar.hint", f" +{more} more "))
    return fragments
