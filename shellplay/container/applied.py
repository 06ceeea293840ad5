"""The fences that are applied to a container, in the order in which they were applied."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator

from shellplay.errors import Refused, ShellplayError
from shellplay.fences import Fence
from shellplay.fences.base.seccomp_filter import SeccompFilter
from shellplay.fences.base.target import Stage
from shellplay.kernel.cgroup.group import Group
from shellplay.kernel.procfs import Status
from shellplay.model import How, Value


class AppliedFence(Value):
    """One fence: how it was applied, and how many bashes were suspended then.

    A forked fence at depth n came with the n-th fork; an in-place fence at depth n was
    applied to the bash that was live then, or to a copy of it.
    """

    fence: Fence
    how: How
    depth: int

    @property
    def outside(self) -> int:
        """The place, from the bottom, of the innermost bash outside that fence."""
        return self.depth - 1 if self.how is How.FORKED else self.depth


class AppliedFences:
    """An ordered collection of fences, at most one of each kind."""

    def __init__(self) -> None:
        self._list: list[AppliedFence] = []
        # Fences that hold something of the host open.
        self._prepared: list[Fence] = []

    def __iter__(self) -> Iterator[AppliedFence]:
        return iter(list(self._list))

    def __contains__(self, kind: object) -> bool:
        return any(each.fence.kind == kind for each in self._list)

    @property
    def fences(self) -> list[Fence]:
        """The fences themselves."""
        return [each.fence for each in self._list]

    @property
    def kinds(self) -> list[str]:
        """The kinds of the fences."""
        return [each.fence.kind for each in self._list]

    def find(self, kind: str) -> AppliedFence | None:
        """Return the fence of a kind, None if it is not applied."""
        return next((each for each in self._list if each.fence.kind == kind), None)

    def get(self, kind: str) -> AppliedFence:
        """Return the fence of a kind; raise Refused if it is not applied."""
        found = self.find(kind)
        if found is not None:
            return found
        up = ", ".join(self.kinds)
        raise Refused(f"{kind} is not fenced", f"up are: {up}" if up else f"fence {kind}")

    def of(self, stage: Stage) -> list[AppliedFence]:
        """Return the fences of a stage."""
        return [each for each in self._list if each.fence.stage is stage]

    @property
    def restrictions(self) -> list[AppliedFence]:
        """The fences that no process removes by itself, whatever its privileges."""
        return self.of(Stage.RESTRICTION)

    def above(self, kind: str) -> list[AppliedFence]:
        """Return the fences that were applied after one."""
        return self._list[self.kinds.index(kind) + 1 :]

    def up_to_depth(self, depth: int) -> AppliedFences:
        """Return those around the bash that is parked at ``depth``."""
        found = AppliedFences()
        found.restart(each for each in self._list if each.depth <= depth)
        return found

    # -- changes -------------------------------------------------------------------------

    def add(self, applied: AppliedFence) -> None:
        """Add the fence that was applied last."""
        self._list.append(applied)

    def remove(self, kind: str) -> None:
        """Forget a fence that was removed."""
        self._list = [each for each in self._list if each.fence.kind != kind]

    def change(self, fence: Fence) -> None:
        """Replace the fence of a kind by one with other options."""
        self._list = [
            each.changed(fence=fence) if each.fence.kind == fence.kind else each
            for each in self._list
        ]

    def forget_from_depth(self, depth: int, group: Group | None = None) -> None:
        """Forget all fences that were applied at ``depth`` or deeper.

        With the cgroups of the container what was made for them is removed, too.
        """
        for each in self._list:
            if group is not None and each.depth >= depth:
                each.fence.clean_up(group)
        self._list = [each for each in self._list if each.depth < depth]

    def restart(self, applied: Iterable[AppliedFence]) -> None:
        """Note that a new bash is inside these, and inside no other."""
        self._list = list(applied)

    # -- what they hold of the host ------------------------------------------------------

    def prepare(self, fence: Fence, status: Status) -> tuple[Fence, tuple[str, ...]]:
        """Prepare a fence for a process of this status; return it with sentences about it.

        What it opens is closed by ``release``.  Raises Refused if this kernel has it not.
        """
        if (reason := fence.unsupported()) is not None:
            raise Refused(reason)
        ready, notes = fence.prepared(status)
        self._prepared.append(ready)
        return ready, notes

    def release(self, *, everything: bool, keep_files: bool = False) -> None:
        """Close what was opened for fences that are not applied any more.

        ``keep_files`` keeps the files of the root fence, and nothing else of it.
        """
        needed = set() if everything else {id(each.fence) for each in self._list}
        if keep_files:
            needed |= {id(each.fence) for each in self._list if each.fence.keep_files_only()}
        for fence in self._prepared:
            if id(fence) not in needed:
                fence.release()
        self._prepared = [fence for fence in self._prepared if id(fence) in needed]

    # -- what the kernel shows -----------------------------------------------------------

    def observed(self, fence: Fence, pid: int) -> bool | None:
        """Tell whether the kernel shows a fence around a process; None: it never does.

        Of filters it shows how many there are, so those of the other fences are counted.
        """
        if not isinstance(fence, SeccompFilter):
            return fence.observed(pid)
        return self._filtered(type(fence), fence.fact(pid), fence.fact("self"))

    def require_observed(self, pid: int, subject: str, without: Collection[str] = ()) -> None:
        """Raise ShellplayError if the kernel does not show a process behind each of them.

        The kinds in ``without`` do not count.
        """
        missing = [
            each.kind
            for each in self.fences
            if each.kind not in without and self.observed(each, pid) is False
        ]
        if missing:
            names = ", ".join(missing)
            raise ShellplayError(f"the kernel does not show {subject} behind {names}")

    def fenced(self, layer: type[Fence], mine: Hashable | None, host: Hashable | None) -> bool:
        """Tell, from the facts of a process and of the host, whether a layer is fenced."""
        known = layer.kind in self
        if not layer.visible:
            return known
        if not issubclass(layer, SeccompFilter):
            return layer.fenced(mine, host)
        # A filter that no fence here has installed counts as a seccomp fence.
        return (known or layer.foreign) and self._filtered(layer, mine, host)

    def _filtered(
        self, layer: type[SeccompFilter], mine: Hashable | None, host: Hashable | None
    ) -> bool:
        filters = [each for each in self.fences if isinstance(each, SeccompFilter)]
        others = sum(each.kind != layer.kind for each in filters)
        return layer.more_than(others, mine=mine, host=host)

    # -- what must hold ------------------------------------------------------------------

    def require_none_on(self, kind: str) -> None:
        """Raise Refused if fences above would be lost with a given one."""
        fence = self.get(kind).fence
        dependent = [
            each.fence.kind for each in self.above(kind) if _depends(each.fence, fence)
        ]
        if dependent:
            stand = "stands" if len(dependent) == 1 else "stand"
            raise Refused(
                f"{', '.join(dependent)} {stand} on {kind} and would be lost with it",
                f"peel {dependent[-1]}, first; or peel all",
            )


def _depends(fence: Fence, below: Fence) -> bool:
    """Tell whether a fence would be lost with one that was applied before it."""
    if below.kind in fence.needs:
        return True
    # A new tree has mounts of its own, and copies of the mounts from before it.
    if fence.kind == "root" and below.stage is Stage.MOUNT:
        return True
    # mount(2) takes CAP_SYS_ADMIN in the user namespace that owns the mounts; from an inner
    # user namespace the mounts of the outer one are out of reach.
    return below.kind in ("root", "user") and fence.stage is Stage.MOUNT
