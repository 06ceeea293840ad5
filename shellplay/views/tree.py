"""tree: PID namespaces as nodes between the processes that live in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shellplay.model import Process, Role
from shellplay.views.drawing import Drawing, Fragment, Line, cut
from shellplay.views.ps import STYLES, chain
from shellplay.views.sanitize import safe_line
from shellplay.views.text_width import ELLIPSIS


@dataclass(slots=True)
class Node:
    """A line of the tree and what hangs below it."""

    label: Fragment
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outline(Drawing):
    """Nodes joined by lines."""

    roots: Sequence[Node]

    def lines(self, width: int) -> list[Line]:
        """Return one line for each node; narrow terminals get narrow branches."""
        bar, branch = ("│  ", "├─ ") if width >= 40 else ("│", "├")
        return [
            cut([("ansibrightblack", stem), node.label], width)
            for stem, node in self._walk(bar, branch, width // 2)
        ]

    def _walk(self, bar: str, branch: str, room: int) -> Iterator[tuple[str, Node]]:
        """Yield each node and the lines that lead to it, the nearest ``room`` cells of them."""
        # A loop and not a recursion: how deep it goes is up to what runs inside.
        gap, corner = " " * len(bar), branch.replace("├", "└")
        waiting = [("", "", root) for root in reversed(self.roots)]
        while waiting:
            stem, below, node = waiting.pop()
            yield stem, node
            for child in reversed(node.children):
                last = child is node.children[-1]
                drawn = below + (corner if last else branch)
                under = below + (gap if last else bar)
                waiting.append((_nearest(drawn, room), _nearest(under, room), child))


def tree(processes: Sequence[Process]) -> Outline:
    """Draw processes, parents before children, below the PID namespaces they are in.

    Each carries its whole chain of PIDs, the host's first: ``4242/1 shell, web: bash``.
    """
    known = {process.pid: process for process in processes}
    nodes: dict[int, Node] = {}
    # One node per namespace below each parent (None: below nothing).
    gates: dict[tuple[int | None, int | None], Node] = {}
    below: dict[int | None, list[Node]] = defaultdict(list)
    for process in processes:
        nodes[process.pid] = node = Node(_process_label(process))
        parent = known.get(process.ppid)
        if parent is not None and parent.namespace == process.namespace:
            nodes[parent.pid].children.append(node)
            continue
        place = (parent.pid if parent else None, process.namespace)
        if place not in gates:
            gates[place] = Node(_namespace_label(process))
            home = nodes[parent.pid].children if parent else below[None]
            home.append(gates[place])
        gates[place].children.append(node)
    return Outline(below[None])


def _namespace_label(process: Process) -> Fragment:
    host = " host" if len(process.inside) == 1 else ""
    return "ansicyan", f"pid:[{process.namespace or 'unknown'}]{host}"


def _process_label(process: Process) -> Fragment:
    facts = [str(process.role)] if process.role is not Role.HOST else []
    if process.container:
        facts.append(process.container)
    told = f" {', '.join(facts)}" if facts else ""
    text = f"{chain(process.inside)}{told}: {process.command}"
    return STYLES.get(process.role, ""), safe_line(text)


def _nearest(lines: str, room: int) -> str:
    return lines if len(lines) <= room else ELLIPSIS + lines[len(lines) - max(room - 1, 0) :]
