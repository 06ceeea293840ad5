"""ps, tree, inspect, trace, logs: look at containers from inside and from the host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.arguments import Choice, Option, Target
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.cmdline.registry import command
from shellplay.commands.containers import rows
from shellplay.errors import Refused
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.model import Process
    from shellplay.playground.processes import Snapshot
    from shellplay.playground.trees import Branch

PIDS = "processes"
TREES = {
    PIDS: "the processes, by their PID namespaces",
    "owner": "the namespaces, below the user namespaces that own them",
    "mounts": "the mounts that the live bash sees",
    "cgroup": "the cgroups of all containers",
}
VIEWS = {"inside": "as the bash sees it", "host": "as the host sees it, as a tree"}
SWITCH = {"on": "show the system calls of every command", "off": "do not show them"}


@command("ps", group="looking", host=None, json=True, alone=True)
def ps(
    playground: Playground,
    front: Front,
    container: Annotated[Container | None, Target(optional=True)],
    view: Annotated[str, Choice("VIEW", "inside (if not given) or host", VIEWS)] = "inside",
    *,
    all_: Annotated[bool, Option("all processes of the host too", short="-a")] = False,
    long: Annotated[bool, Option("user, %CPU, RSS and start of each too", short="-l")] = False,
) -> Iterator[Outcome]:
    """Show processes with their PIDs inside and on the host.

    ps shows what the live bash could see; ps host the whole playground as a tree: live and
    parked bashes, their children, host PID and every PID inside. Both are read from the
    host's /proc; no program of the container is run. Many processes of the host are only
    counted: by ps host, and by ps on a terminal. -a lists them.

    With -l the list is long, as that of ps aux: USER is the effective user on the host, %CPU
    the CPU time used divided by the time the process has been running, RSS the memory in
    use, in KiB, and START the time or the day of the start. A - is what cannot be read.

    Examples:
        ps
        ps -a           # also the many processes of the host that it sees without a fence
        ps -l
        ps host
        ps host -a --json
    """
    from shellplay.playground.processes import inside_view, with_details

    if view == "host":
        whole = playground.snapshot(everything=all_)
        if long:
            whole = whole.changed(processes=with_details(whole.processes))
        yield Document("ps", lambda: whole, lambda: _host(whole))
        return
    if container is None:
        raise Refused("ps: there is no container", "new makes one, ps host shows the host")
    seen = inside_view(playground.snapshot(everything=True), container.pid)
    if long:
        seen = with_details(seen)

    def table() -> object:
        from shellplay.views.ps import inside

        return inside(seen, folds=front.terminal and not all_)

    yield Document("ps", lambda: seen, table)


@command("tree", group="looking", host=None, aliases=("pstree",), json=True)
def tree(
    playground: Playground,
    container: Annotated[Container | None, Target(optional=True)],
    what: Annotated[str, Choice("WHAT", "processes (if not given), owner, ...", TREES)] = PIDS,
) -> Iterator[Outcome]:
    """Show as a tree the processes, the owners of namespaces, the mounts or the cgroups.

    tree shows the PID namespaces, with the processes in each. tree owner shows the user
    namespaces, each above the namespaces that it owns: a capability counts over all that is
    below. tree mounts shows what the live bash sees mounted, each mount below the one that it
    is in. tree cgroup shows the cgroups of the playground.

    Examples:
        tree
        tree owner
        tree mounts -c web
        tree cgroup --json
    """
    from shellplay.views.tree import outline
    from shellplay.views.tree import tree as drawn

    seen = playground.snapshot(everything=False)
    if what == PIDS:
        yield Document("tree", lambda: seen, lambda: drawn(seen.processes))
        return
    if what == "mounts" and container is None:
        raise Refused("tree mounts: there is no container", "new makes one")
    roots = _trees(what, seen.processes, container)
    records = {"tree": what, "roots": [each.record() for each in roots]}
    yield Document("tree", lambda: records, lambda: outline(records["roots"]))


def _trees(
    what: str, processes: Sequence[Process], container: Container | None
) -> list[Branch]:
    from shellplay.playground import trees

    if what == "owner":
        return trees.owners(processes)
    if what == "cgroup":
        return trees.cgroup_tree(each.pid for each in processes)
    assert container is not None
    return trees.mount_tree(container.pid)


@command("inspect", group="looking", host=None, json=True)
def inspect(
    playground: Playground, container: Annotated[Container, Target(positional=True)]
) -> Iterator[Outcome]:
    """Show all there is to know of a container.

    Examples:
        inspect
        inspect web --json
    """
    from shellplay.container import description

    row = next(row for row in rows(playground) if row["id"] == container.id)
    records = container.fences()
    facts = {
        **row,
        "fences": records,
        "parked": [vars(one) for one in container.parked],
        **(description.of(container.started, container.volumes) if container.started else {}),
    }

    def view() -> object:
        from shellplay.views.fences import Fences

        return Fences(records, container.label, all_=True, inodes=True)

    yield Document("inspect", lambda: facts, view, summary(container))


@command("trace", group="looking", host=None)
def trace(
    playground: Playground,
    switch: Annotated[str, Choice("on|off", "whether to show them", SWITCH)],
    *,
    verbose: Annotated[bool, Option("all calls, also of ptrace(2)", short="-v")] = False,
) -> Iterator[Outcome]:
    """Show the system calls that each command makes, and the shell command that does the same.

    The calls by which shellplay makes another process call are only counted; -v shows them.

    Examples:
        trace on
        trace -v on
        trace off
    """
    playground.settings.trace = switch == "on"
    playground.settings.trace_all = verbose
    yield f"trace is {switch}"


def summary(container: Container) -> str:
    """Return one line about the bash, the program and the state of a container."""
    pids = "/".join(map(str, container.inside or (container.pid,)))
    parked = ", ".join(str(one.pid) for one in container.parked)
    waiting = f", parked {parked}" if parked else ""
    at = ", ".join(container.network.addresses)
    ports = ", ".join(map(str, container.network.ports))
    network = f"; at {at}" * bool(at) + f"; {ports}" * bool(ports)
    bash = f"bash {pids}, {container.state}{waiting}"
    return f"{container.label} ({container.id}): {bash}{network}"


def _host(whole: Snapshot) -> object:
    from shellplay.views.ps import host

    return host(whole)
