"""stats: the usage of containers, once or repeatedly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

from shellplay.cmdline.arguments import ContainerNames, Option, Seconds, Times
from shellplay.cmdline.outcomes import Document, Outcome, Watched
from shellplay.cmdline.registry import command
from shellplay.errors import Refused
from shellplay.playground.playground import Playground

EVERY_SECONDS = 2.0


@command("stats", group="looking", host=None, json=True)
def stats(
    playground: Playground,
    labels: Annotated[tuple[str, ...], ContainerNames("NAME", "containers, or all")] = (),
    *,
    watch: Annotated[
        float | None,
        Option(
            "show it again every 2 seconds, or so many, until q or ^C",
            argument=Seconds("SECONDS", "time"),
            otherwise=EVERY_SECONDS,
        ),
    ] = None,
    count: Annotated[
        int | None, Option("show it so often, and end", argument=Times("N", "how often"))
    ] = None,
) -> Iterator[Outcome]:
    """Show what containers use beside their limits, and what these have done.

    PIDS, MEMORY and CPU are use / limit; REFUSED counts forks that were one too many, OOM
    KILLS processes that the kernel has ended for want of memory, THROTTLED the time that
    was waited for more processor time. It is what their cgroups count, since the first
    limit that needed one went up.

    Before that, MEMORY and CPU have a ~: they are sums over the processes. Memory that
    processes share counts in each of them, and the time of a process that has ended counts
    only if another one of the container waited for it.

    With --watch a terminal shows the newest table in the place of the last one; a dumb
    terminal, a pipe and --json get one after the other.

    Examples:
        stats
        stats web --json
        stats --watch
        stats --watch 0.5 --count 10 web
    """
    if watch is None and count is None:
        yield _document(playground, labels)
        return
    if count is None and playground.settings.surroundings.output is not None:
        raise Refused("stats --watch never ends in a recipe", "stats --watch --count 3")
    again = partial(_document, playground, labels)
    yield Watched(again, EVERY_SECONDS if watch is None else watch, count)


def _document(playground: Playground, labels: Sequence[str]) -> Document:
    chosen = [playground.find(label) for label in labels] or playground.containers
    pids = _by_container(playground)
    found = [each.usage(pids.get(each.label, ())) for each in chosen if not each.dead]

    def view() -> object:
        from shellplay.views.stats import table

        return table(found) if found else "no containers (new makes one)"

    return Document("stats", lambda: found, view)


def _by_container(playground: Playground) -> dict[str, list[int]]:
    """Return the host PIDs of each container's processes, orphans among them."""
    found: dict[str, list[int]] = {}
    for process in playground.snapshot().processes:
        if process.container is not None:
            found.setdefault(process.container, []).append(process.pid)
    return found
