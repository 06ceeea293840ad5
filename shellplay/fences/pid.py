"""The pid fence: a PID namespace, in which bash is PID 1."""

from __future__ import annotations

from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace


class Pid(Namespace, kind="pid", man="pid_namespaces(7)", aliases=("process", "processes")):
    """Gives bash its own PIDs; it cannot signal processes outside.

    A process cannot change its own PID.  So the bash forks: the copy continues inside as
    PID 1, and the original waits outside.

    ps still lists the processes of the host, because it reads the host's /proc.  As soon as
    ``mnt`` is up as well, shellplay mounts a new /proc (not with ``--no-proc``).
    """

    trial = "in echo $$"

    one_way = True
    boundary = True
    by_fork = True

    proc: bool = option(
        "do not mount a new /proc when mnt is up as well", host=None, default=True
    )
