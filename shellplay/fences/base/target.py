"""The process that a fence is applied to, and what of its container that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller
    from shellplay.kernel.cgroup.group import Group


class OpenNamespace(NamedTuple):
    """An existing namespace, held open: our descriptor of it, and the file it came from."""

    fd: int
    of: str


class Target(NamedTuple):
    """The process that a fence is applied to, or removed from.

    ``caller`` makes the system calls: the process itself, a process in its namespaces for a
    mount, or ours for a limit.  ``group`` holds the cgroups of the container, ``terminal`` is
    the path of its terminal on the host.  ``join`` is an existing namespace to join; None
    stands for a new one.
    """

    pid: int
    caller: Caller
    group: Group
    terminal: str
    join: OpenNamespace | None = None
