"""The pid fence: a PID namespace, in which bash is PID 1."""

from __future__ import annotations

from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace


class Pid(Namespace, kind="pid", man="pid_namespaces(7)", aliases=("process", "processes")):
    """Processes of the host: they cannot be signalled, and with mnt not be seen either.

    A process never changes its own number, so the bash forks and its copy is PID 1.  As
    soon as mnt stands too, a fresh /proc is mounted; ``--no-proc`` leaves the host's, which
    ps then still shows.
    """

    one_way = True
    by_fork = True

    proc: bool = option("mount a fresh /proc once mnt stands too", default=True)
