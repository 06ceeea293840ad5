"""What the kernel shows of every layer, of a bash and of the host, as records."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from shellplay.fences import ORDER, REGISTRY, Fence
from shellplay.fences.base.seccomp_filter import SeccompFilter
from shellplay.kernel.namespaces import identify
from shellplay.model import FenceRecord, How, NamespaceId

if TYPE_CHECKING:
    from shellplay.container.applied import AppliedFence, AppliedFences
    from shellplay.container.state import ContainerState

Facts = dict[str, Hashable | None]
# A layer that the kernel shows of no process.
NOT_SHOWN = "up, though the kernel does not show it"


def host_facts() -> Facts:
    """Read the fact of each layer for this process, which is on the host."""
    return {kind: REGISTRY[kind].fact("self") for kind in ORDER}


def of_the_host() -> list[FenceRecord]:
    """Return one record for each layer of the host, none of them fenced."""
    return [_record(kind, fact, None, None) for kind, fact in host_facts().items()]


def of(state: ContainerState, applied: AppliedFences) -> list[FenceRecord]:
    """Return one record for each layer of a container, re-read from the kernel."""
    return [_of(kind, fact, state, applied) for kind, fact in host_facts().items()]


def fenced_kinds(state: ContainerState, applied: AppliedFences, host: Facts) -> list[str]:
    """Return the kinds of the fenced layers, re-read from the kernel.

    ``host`` has the facts of the host: a list of many containers reads them once.
    """
    layers = ((REGISTRY[kind], fact) for kind, fact in host.items())
    return [
        layer.kind for layer, fact in layers if applied.fenced(layer, _fact(layer, state), fact)
    ]


def _fact(layer: type[Fence], state: ContainerState) -> Hashable | None:
    return None if state.dead else layer.fact((state.waiting or state.live).pid)


def _of(
    kind: str, host: Hashable | None, state: ContainerState, applied: AppliedFences
) -> FenceRecord:
    layer = REGISTRY[kind]
    mine = _fact(layer, state)
    up = applied.fenced(layer, mine, host)
    if not up and issubclass(layer, SeccompFilter) and not layer.foreign:
        mine = host  # Only the layer that was fenced shows the filters.
    return _record(kind, host, mine, applied.find(kind) if up else None, state=state, up=up)


def _record(
    kind: str,
    host: Hashable | None,
    mine: Hashable | None,
    applied: AppliedFence | None,
    *,
    state: ContainerState | None = None,
    up: bool = False,
) -> FenceRecord:
    layer = REGISTRY[kind]
    namespace = isinstance(host, NamespaceId) or isinstance(mine, NamespaceId)
    told = layer.describe(mine, other=host) if layer.visible else NOT_SHOWN if up else None
    return FenceRecord(
        fence=kind,
        up=up,
        how=applied.how if applied else None,
        host=host.inode if isinstance(host, NamespaceId) else None,
        shell=mine.inode if isinstance(mine, NamespaceId) else None,
        peel=_how_removed(applied, state) if applied and state else None,
        options=applied.fence.given() if applied else {},
        shared_with=_sharers(state, mine) if up and state else (),
        host_state=None if namespace else layer.describe(host, other=mine),
        shell_state=None if namespace else told,
    )


def _sharers(state: ContainerState, fact: Hashable | None) -> tuple[str, ...]:
    """Return the labels of the other containers whose bash is in the same namespace."""
    if not isinstance(fact, NamespaceId):
        return ()
    others = (each for each in state.peers() if each is not state and not each.dead)
    return tuple(each.label for each in others if identify(each.pid, fact.kind) == fact)


def _how_removed(applied: AppliedFence, state: ContainerState) -> str:
    match applied.how:
        case How.IN_PLACE:
            return "in place"
        case How.OUTSIDE:
            return "from outside"
        case How.FORKED:
            outside = state.parked[applied.depth - 1]
            return f"wakes the parked bash {outside.pid}"
    return "starts a new bash"
