"""The cgroup fence: its own cgroup becomes the root of what it sees."""

from __future__ import annotations

from shellplay.fences.base.namespace import Namespace


class Cgroup(Namespace, kind="cgroup", man="cgroup_namespaces(7)", aliases=("cgroupns",)):
    """Shows bash its own cgroup as the root of the tree, in /proc/self/cgroup.

    It changes the view only: no process is moved, and no limit is set.
    """

    trial = "in cat /proc/self/cgroup"

    def contents(self, pid: int) -> str:
        """Say what the namespace changes: /proc shows paths as its reader sees them."""
        return "its own cgroup is / of the tree"
