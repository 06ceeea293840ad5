"""The fences around a container in their order, with a few words on what is inside of each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from shellplay.container import facts
from shellplay.errors import KernelError
from shellplay.fences import REGISTRY
from shellplay.fences.base.target import Stage
from shellplay.model import FenceRecord, How, Layer, Parked
from shellplay.shell.broker import host_name

if TYPE_CHECKING:
    from shellplay.container.applied import AppliedFences
    from shellplay.container.state import ContainerState

FAMILIES = {
    Stage.NAMESPACE: "namespaces",
    Stage.MOUNT: "files",
    Stage.LIMIT: "limits",
    Stage.RESTRICTION: "privileges",
}


def of(
    state: ContainerState, applied: AppliedFences
) -> tuple[tuple[Layer, ...], tuple[Parked, ...]]:
    """Return the fenced layers and the parked bashes, outermost first.

    They are re-read from the kernel.  A layer that a program inside has fenced is inside of
    all others.
    """
    return _layers(state, applied), _parked(state, applied)


def _layers(state: ContainerState, applied: AppliedFences) -> tuple[Layer, ...]:
    up = {each.fence: each for each in facts.of(state, applied) if each.up}
    kinds = sorted(up, key=lambda kind: (kind not in applied, _place(kind, applied)))
    return tuple(
        Layer(kind, _family(kind), _contents(up[kind], state, applied), up[kind].shared_with)
        for kind in kinds
    )


def _parked(state: ContainerState, applied: AppliedFences) -> tuple[Parked, ...]:
    forked = [each for each in applied if each.how is How.FORKED]
    return tuple(
        Parked(
            shell.pid,
            tuple(each.fence.kind for each in forked if each.outside == number),
        )
        for number, shell in enumerate(state.parked)
        if shell.alive
    )


def _place(kind: str, applied: AppliedFences) -> int:
    return applied.kinds.index(kind) if kind in applied else 0


def _family(kind: str) -> str:
    return "files" if kind == "root" else FAMILIES[REGISTRY[kind].stage]


def _contents(record: FenceRecord, state: ContainerState, applied: AppliedFences) -> str:
    found = applied.find(record.fence)
    if found is None:
        return record.shell_state or "not from a fence here"
    if record.fence == "uts":
        return _host_name(state)
    return found.fence.contents((state.waiting or state.live).pid)


def _host_name(state: ContainerState) -> str:
    # Where none may ask (the bash has just ended), the picture does without the name.
    with suppress(KernelError):
        return f'host name "{host_name(state.monitor, state.pid)}"'
    return "a host name of its own"
