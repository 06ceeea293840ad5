"""Trees of what belongs to what: owners of namespaces, mounts, cgroups."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from shellplay.errors import KernelError
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.mountinfo import Mount, mounts
from shellplay.model import NamespaceId, Process

# Programs inside can nest mounts and cgroups as deep as they like: what is deeper stands here.
DEEPEST = 100


class Branch:
    """A node of a tree: a label, facts about it, and the nodes ``below``."""

    def __init__(self, label: str, facts: Mapping[str, object]) -> None:
        self.label = label
        self.facts = facts
        self.below: list[Branch] = []
        self._depth = 0
        self._above: Branch = self

    def add(self, branch: Branch) -> None:
        """Put a node below this one; below a very deep one it stands beside that."""
        above = self if self._depth < DEEPEST else self._above
        above.below.append(branch)
        branch._above, branch._depth = above, above._depth + 1

    def record(self) -> dict[str, object]:
        """Return the node and all below it, in the shape of docs/json.md."""
        below = [each.record() for each in self.below]
        return {**self.facts, "label": self.label, "below": below}


def owners(processes: Sequence[Process]) -> list[Branch]:
    """Return the user namespaces of some processes, each above what it owns.

    A process that has a capability in a user namespace has it over everything below.
    """
    members: dict[NamespaceId, list[Process]] = {}
    parent: dict[NamespaceId, NamespaceId | None] = {}
    for process in processes:
        for kind in namespaces.KINDS:
            found = namespaces.identify(process.pid, kind)
            if found is None:
                continue
            if found not in parent:
                _learn(process.pid, kind, found, parent)
            members.setdefault(found, []).append(process)
    roots = [each for each, above in parent.items() if above is None and each.kind == "user"]
    return [_owner(each, parent, members) for each in roots]


def _learn(
    pid: int, kind: str, found: NamespaceId, parent: dict[NamespaceId, NamespaceId | None]
) -> None:
    try:
        chain = (
            namespaces.lineage(pid, kind) if kind == "user" else namespaces.owners(pid, kind)
        )
    except KernelError:
        return  # It has ended, or it is another user's.
    line = chain if kind == "user" else (found, *chain)
    for below, above in zip(line, (*line[1:], None), strict=True):
        parent.setdefault(below, above)


def _owner(
    space: NamespaceId,
    parent: Mapping[NamespaceId, NamespaceId | None],
    members: Mapping[NamespaceId, Sequence[Process]],
) -> Branch:
    owned = [each for each, above in parent.items() if above == space]
    owned.sort(key=lambda each: (each.kind == "user", namespaces.KINDS.index(each.kind)))
    inside = members.get(space, ())
    labels = list(dict.fromkeys(each.container for each in inside if each.container))
    of = f", of {', '.join(labels)}" if labels else ""
    facts = {"kind": space.kind, "inode": space.inode, "processes": len(inside)}
    branch = Branch(f"{space}  {_counted(len(inside))}{of}", {**facts, "containers": labels})
    # At most 32 user namespaces are below each other, user_namespaces(7).
    for each in owned:
        branch.add(_owner(each, parent, members))
    return branch


def _counted(number: int) -> str:
    return f"{number} process{'' if number == 1 else 'es'}"


def mount_tree(pid: int) -> list[Branch]:
    """Return the mounts that a process sees, each below the mount that it is in."""
    found = mounts(pid) or []
    branches = {each.id: _mount(each) for each in found}
    tops = []
    # A mount has a larger ID than its parent only until it is moved: so parents may come later.
    below: dict[int, list[Mount]] = {}
    for each in found:
        if each.parent in branches and each.parent != each.id:
            below.setdefault(each.parent, []).append(each)
        else:
            tops.append(each)
    rest = deque(tops)
    while rest:
        mount = rest.popleft()
        for each in below.get(mount.id, ()):
            branches[mount.id].add(branches[each.id])
            rest.append(each)
    return [branches[each.id] for each in tops]


def _mount(mount: Mount) -> Branch:
    flags = [each for each in mount.options if each in ("ro", "nosuid", "nodev", "noexec")]
    tags = ", ".join((*flags, *(each.partition(":")[0] for each in mount.propagation)))
    shown = f"  ({tags})" if tags else ""
    facts = {"point": mount.point, "type": mount.kind, "options": list(mount.options)}
    return Branch(f"{mount.point}  {mount.kind}{shown}", facts)


def cgroup_tree(pids: Iterable[int]) -> list[Branch]:
    """Return the cgroups of some processes, below each hierarchy in which they differ."""
    paths: dict[str, Counter[str]] = {}
    for pid in pids:
        for line in procfs.text(procfs.read(pid, "cgroup") or b"").splitlines():
            _, controllers, path = line.split(":", 2)
            paths.setdefault(controllers or "version 2", Counter())[path] += 1
    return [
        _hierarchy(name, counted) for name, counted in paths.items() if set(counted) != {"/"}
    ]


def _hierarchy(name: str, counted: Mapping[str, int]) -> Branch:
    top = Branch(name, {"hierarchy": name})
    branches = {"": top}
    for path in sorted(counted):
        here = ""
        for part in path.strip("/").split("/"):
            above, here = here, f"{here}/{part}"
            if part and here not in branches:
                number = counted.get(here, 0)
                label = f"{part}  {_counted(number)}" if number else part
                branches[here] = Branch(label, {"path": here, "processes": number})
                branches[above].add(branches[here])
    return top
