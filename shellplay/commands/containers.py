"""new, use, containers, stop: make containers, choose one, list them, end them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.argument_types.filters import Filter, FilterWord
from shellplay.cmdline.argument_types.processes import SignalName
from shellplay.cmdline.arguments import (
    ContainerName,
    ContainerNames,
    Grace,
    Option,
    Target,
    Word,
)
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.cmdline.phrases import born, count
from shellplay.cmdline.registry import command
from shellplay.errors import Refused
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container


FILTERS = FilterWord(
    {
        "label": "label=NAME or label=NAME=VALUE",
        "name": "a part of the name",
        "id": "the beginning of the id",
        "state": "dead, busy, idle and so on",
        "image": "the image it was started from",
    }
)


@command("new", group="containers", host=None, aliases=("create",))
def new(
    playground: Playground,
    name: Annotated[str | None, Word("NAME", "a name of letters, digits and _.-")] = None,
) -> Iterator[Outcome]:
    """Make a container: one live bash with no fence yet.

    It becomes the current one.

    Examples:
        new
        new web
    """
    yield born(playground.new(name))


@command("use", group="containers", host=None)
def use(
    playground: Playground,
    label: Annotated[str, ContainerName("NAME", "name, id or the beginning of an id")],
) -> Iterator[Outcome]:
    """Make a container the current one.

    Examples:
        use web
    """
    container = playground.use(label)
    yield f"{container.label}: current, bash {container.pid}"


@command("containers", group="containers", host=None, aliases=("ls",), json=True)
def containers(
    playground: Playground,
    *,
    filter_: Annotated[
        Sequence[Filter],
        Option("only those with all of these", short="-f", argument=FILTERS, repeated=True),
    ] = (),
) -> Iterator[Outcome]:
    """List the containers: bash, state and fences of each.

    Examples:
        containers
        containers --json
        containers --filter label=app=web
    """

    playground.forget_ended()
    listed = rows(playground) if playground.containers else []
    found = [row for row in listed if all(each.fits(row) for each in filter_)]

    def view() -> object:
        from shellplay.views.containers import table

        if found:
            return table(found)
        return "no container is like that" if filter_ else "no containers (new makes one)"

    yield Document("containers", lambda: found, view)


@command("pause", group="containers", host=None, aliases=("freeze",))
def pause(
    playground: Playground, container: Annotated[Container, Target(positional=True)]
) -> Iterator[Outcome]:
    """Freeze everything in a container by a cgroup: no process notices, and none can refuse.

    SIGSTOP would be seen by whoever waits for one, and undone by SIGCONT from inside.

    Examples:
        pause
        pause web
    """
    playground.pause(container)
    yield f"{container.label}: paused, {count(len(container.members()))} frozen"


@command("resume", group="containers", host=None, aliases=("unpause", "thaw"))
def resume(container: Annotated[Container, Target(positional=True)]) -> Iterator[Outcome]:
    """Let a paused container go on where it was.

    Examples:
        resume
        resume web
    """
    container.resume()
    yield f"{container.label}: goes on"


@command("stop", group="containers", host=None)
def stop(
    playground: Playground,
    labels: Annotated[tuple[str, ...], ContainerNames("NAME", "containers to end")] = (),
    *,
    time: Annotated[
        float | None,
        Option("so long before KILL, -1: for ever", short="-t", argument=Grace("SECONDS", "")),
    ] = None,
    signal: Annotated[
        int | None,
        Option("the signal to ask by", short="-s", argument=SignalName("SIGNAL", "")),
    ] = None,
) -> Iterator[Outcome]:
    """End containers: every process of theirs, and what their fences made on the host.

    What run has started is asked first, by the signal of its image or TERM, and killed if
    it has not ended in time; it stays listed with its logs and exit status until rm. A bash
    is ended and forgotten at once. One that has ended already stays as it is.

    Examples:
        stop            # the current one
        stop web db
        stop -t 1 web
        stop -s INT db
    """
    if not labels and playground.current is None:
        raise Refused("stop: there is no container", "new makes one")
    current = [playground.current.label] if playground.current else []
    for label in labels or current:
        container = playground.find(label)
        if not container.live.alive:
            yield f"{label}: has ended already (rm {label} forgets it)"
            continue
        if container.has_bash or container.process is None:
            yield f"{label}: stopped, {count(playground.stop(container))} ended"
            continue
        seconds = container.process.spec.stop_seconds if time is None else time
        in_time = container.process.end(seconds, signal)
        how = "" if in_time else f", killed after {seconds:g} s"
        yield f"{label}: exit status {container.process.exit_status}{how}"


@command("restart", group="containers", host=None)
def restart(
    playground: Playground, container: Annotated[Container, Target(positional=True)]
) -> Iterator[Outcome]:
    """Start a container again: a new bash under the same name, with no fence yet.

    What runs in it is ended first.

    Examples:
        restart
        restart web
    """
    if container.process is not None:
        raise Refused(
            f"{container.label} was started by run, and only a bash is started again",
            f"rm -f {container.label}, and run it again",
        )
    name = container.name
    playground.stop(container)
    yield born(playground.new(name))


def rows(playground: Playground) -> list[dict[str, object]]:
    """Return one record for each container, in the shape of ``containers --json``."""
    from shellplay.container import facts

    host = facts.host_facts() if playground.containers else {}
    return [
        {
            "id": container.id,
            "name": container.name,
            "label": container.label,
            "current": container is playground.current,
            "pid": container.pid,
            "inside": list(container.inside),
            "state": str(container.state),
            "command": container.process.spec.name if container.process else "bash",
            "exit_status": container.process.exit_status if container.process else None,
            "parked": len(container.parked),
            "fences": container.fenced_kinds(host),
            "addresses": list(container.network.addresses),
            "ports": [vars(port) for port in container.network.ports],
            "image": container.started.metadata.image if container.started else None,
            "labels": dict(container.started.metadata.labels) if container.started else {},
        }
        for container in playground.containers
    ]
