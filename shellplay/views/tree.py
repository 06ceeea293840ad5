"""The drawing of ``tree``: processes, with their PID namespaces as nodes between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shellplay.model import Process, Role
from shellplay.views.drawing import Drawing, Fragment, Line, cut
from shellplay.views.ps import STYLES, chain
from shellplay.views.sanitize import safe_line
from shellplay.views.text_width import ELLIPSIS


@dataclass(slots=True)
class Node:
    """A node of the tree: its line, and the nodes below it."""

    label: Fragment
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outline(Drawing):
    """A tree of nodes, drawn with branches."""

    roots: Sequence[Node]

    def lines(self, width: int) -> list[Line]:
        """Return one line for each node; below 40 cells the branches are narrow."""
        bar, branch = ("│  ", "├─ ") if width >= 40 else ("│", "├")
        return [
            cut([("ansibrightblack", stem), node.label], width)
            for stem, node in self._walk(bar, branch, width // 2)
        ]

    def _walk(self, bar: str, branch: str, room: int) -> Iterator[tuple[str, Node]]:
        """Yield each node with its branches; only the last ``room`` cells of them are kept."""
        # Programs inside can make the tree as deep as they like, so use no recursion.
        gap, corner = " " * len(bar), branch.replace("├", "└")
        stack = [("", "", root) for root in reversed(self.roots)]
        while stack:
            stem, below, node = stack.pop()
            yield stem, node
            for child in reversed(node.children):
                last = child is node.children[-1]
                child_stem = below + (corner if last else branch)
                child_below = below + (gap if last else bar)
                stack.append(
                    (_last_cells(child_stem, room), _last_cells(child_below, room), child)
                )


def outline(records: object) -> Outline:
    """Return the drawing of nested records that have a ``label`` and a list ``below``."""
    assert isinstance(records, list)
    roots: list[Node] = []
    rest = [(record, roots) for record in records]
    # Mounts can be as deep as a program likes, so use no recursion.
    while rest:
        record, siblings = rest.pop(0)
        node = Node(("", safe_line(record["label"])))
        siblings.append(node)
        rest += [(each, node.children) for each in record["below"]]
    return Outline(roots)


def tree(processes: Sequence[Process]) -> Outline:
    """Return the tree of processes, each below the node of its PID namespace.

    Parents come before children in ``processes``.  A line has all PIDs of the process, from
    the host's to the innermost: ``4242/1 shell, web: bash``.
    """
    known = {process.pid: process for process in processes}
    nodes: dict[int, Node] = {}
    # The node of each PID namespace below each parent; the key is the PID of the parent
    # (None: no parent) and the inode of the namespace.
    namespaces: dict[tuple[int | None, int | None], Node] = {}
    roots: list[Node] = []
    for process in processes:
        nodes[process.pid] = node = Node(_process_label(process))
        parent = known.get(process.ppid)
        if parent is not None and parent.namespace == process.namespace:
            nodes[parent.pid].children.append(node)
            continue
        key = (parent.pid if parent else None, process.namespace)
        if key not in namespaces:
            namespaces[key] = Node(_namespace_label(process))
            siblings = nodes[parent.pid].children if parent else roots
            siblings.append(namespaces[key])
        namespaces[key].children.append(node)
    return Outline(roots)


def _namespace_label(process: Process) -> Fragment:
    host = " host" if len(process.inside) == 1 else ""
    return "ansicyan", f"pid:[{process.namespace or 'unknown'}]{host}"


def _process_label(process: Process) -> Fragment:
    facts = [str(process.role)] if process.role is not Role.HOST else []
    if process.container:
        facts.append(process.container)
    role = f" {', '.join(facts)}" if facts else ""
    text = f"{chain(process.inside)}{role}: {process.command}"
    return STYLES.get(process.role, ""), safe_line(text)


def _last_cells(stem: str, room: int) -> str:
    return stem if len(stem) <= room else ELLIPSIS + stem[len(stem) - max(room - 1, 0) :]
