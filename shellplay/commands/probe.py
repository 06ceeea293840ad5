"""probe: try what a process inside can do, and say which fence closes the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.argument_types.experiments import Beside, Experiments
from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.cmdline.arguments import Option, Target
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.cmdline.registry import command
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.refusal.probe import Probed

HOST, DOCKER = "host", "docker"


@command("probe", group="looking", host=None, json=True)
def probe(
    playground: Playground,
    container: Annotated[Container, Target(creates=True)],
    names: Annotated[
        tuple[str, ...], Experiments("NAME", "experiments or groups; all if none")
    ] = (),
    *,
    beside: Annotated[
        str | None,
        Option("compare with host, docker, or another container", argument=Beside("NAME", "")),
    ] = None,
) -> Iterator[Outcome]:
    """Try what a process inside can do, and say which fence closes the rest.

    An experiment is a system call, made by a process behind all fences of the container. A
    dangerous call gets arguments that the kernel refuses after its check, so nothing is
    changed. An experiment that fails is repeated without the fences, and then with fewer and
    fewer of them away: so the fences that close it are proven.

    --beside compares with the host, with the fences of Docker, or with another container.
    With one NAME, probe tells what the experiment does.

    Examples:
        probe
        probe raw-socket
        probe devices --beside host
        probe --json
    """
    from shellplay.refusal.probe import probe as made

    rows = records(made(container.trials, names))
    others = _beside(playground, container, beside, names) if beside else []
    facts = {"probes": rows, "beside": beside, "others": others}

    def view() -> object:
        from shellplay.views.probe import page, table

        if len(rows) == 1 and not beside:
            return page(rows[0])
        return table(rows, others, beside or "")

    yield Document("probe", lambda: facts, view)


def _beside(
    playground: Playground, container: Container, name: str, names: Sequence[str]
) -> list[dict[str, object]]:
    from shellplay.refusal.probe import on_host
    from shellplay.refusal.probe import probe as made

    if name == HOST:
        return records(on_host(container.trials, names))
    if name != DOCKER:
        return records(made(playground.find(name).trials, names))
    other = playground.new()
    try:
        for each in FenceWords("KIND", "").parse((DOCKER,), playground).fences:
            other.fence(each)
        return records(made(other.trials, names))
    finally:
        playground.stop(other)
        playground.current = container


def records(found: Sequence[Probed]) -> list[dict[str, object]]:
    """Return the results in the shape of docs/json.md."""
    return [
        {
            "probe": each.experiment.name,
            "group": each.experiment.group,
            "tries": each.experiment.tries,
            "calls": [name for name, _ in each.experiment.steps],
            "state": each.state,
            "error": each.error or None,
            "closed_by": list(each.by),
        }
        for each in found
    ]
