"""Frozen values that the layers hand to each other; no input or output here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Value:
    """A frozen value: the annotated names of its class are its fields, in that order.

    All values share one ``__init__``.  To generate one for each class, as a NamedTuple and a
    dataclass do, takes longer than to load the module that the class is in.
    """

    fields: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, object]] = {}

    def __init_subclass__(cls) -> None:
        annotations = cls.__annotations__.items()
        own = [name for name, kind in annotations if "ClassVar" not in str(kind)]
        given = {name: vars(cls)[name] for name in own if name in vars(cls)}
        cls.fields = (*cls.fields, *own)
        cls.__match_args__ = cls.fields  # type: ignore[attr-defined,misc]
        cls.defaults = {**cls.defaults, **given}

    def __init__(self, *values: object, **named: object) -> None:
        own = vars(self)
        own.update(self.defaults)
        own.update(zip(self.fields, values, strict=False), **named)
        if len(own) != len(self.fields) or len(values) > len(self.fields):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self.fields)}")

    def changed(self, **values: object) -> Self:
        """Return the same value with other values of some fields."""
        return type(self)(**{**vars(self), **values})

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: its {name} does not change")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *map(vars(self).get, self.fields)))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={vars(self)[name]!r}" for name in self.fields)
        return f"{type(self).__name__}({given})"


class NamespaceId(Value):
    """Identity of a namespace: device and inode of its nsfs file, see namespaces(7)."""

    kind: str
    device: int
    inode: int

    def __str__(self) -> str:
        return f"{self.kind}:[{self.inode}]"


class Role(StrEnum):
    """What a process is to the playground.

    ``REPL`` is the front end, ``PLAYGROUND`` the process that is the parent of everything
    in it, ``SHELL`` a live bash, ``PARKED`` the stopped copy outside a one-way fence,
    ``JOB`` a direct child of a bash, ``CHILD`` any deeper descendant, ``HOST`` the rest.
    """

    REPL = "repl"
    PLAYGROUND = "playground"
    SHELL = "shell"
    PARKED = "parked"
    JOB = "job"
    CHILD = "child"
    HOST = "host"


class ProcessDetails(Value):
    """What the long listing adds to a process, see ps(1); None is what cannot be read.

    ``user`` is the name of the effective user on the host, or its ID if it has no name.
    ``cpu_percent`` is the CPU time used divided by the time the process has been running.
    ``memory`` is the resident set size in bytes, ``started`` seconds since the epoch.
    """

    user: str | None
    cpu_percent: float | None
    memory: int | None
    started: float | None


class Process(Value):
    """One process as the host's /proc shows it, see proc_pid_status(5).

    ``inside`` are its PIDs from the outermost (the host's) to the innermost PID namespace;
    ``container`` is the label of the container it belongs to, or None; ``namespace`` is the
    inode of its PID namespace, None where it cannot be read; ``details`` are those of the
    long listing, None unless it was asked for.
    """

    pid: int
    ppid: int
    inside: tuple[int, ...]
    state: str
    uid: int
    command: str
    container: str | None = None
    role: Role = Role.HOST
    namespace: int | None = None
    details: ProcessDetails | None = None


class How(StrEnum):
    """How a fence went up."""

    IN_PLACE = "in-place"
    FORKED = "forked"
    OUTSIDE = "outside"
    RESPAWNED = "respawned"


class FenceRecord(Value):
    """One row of the strip: a layer, whether it is fenced, and how it comes off.

    ``host`` and ``shell`` are namespace inode numbers; of a layer without a namespace
    ``host_state`` and ``shell_state`` say what the kernel shows.  None is what it does not
    have, or what cannot be read.  ``shared_with`` are the labels of other containers in the
    same fenced namespace.
    """

    fence: str
    up: bool
    how: How | None = None
    host: int | None = None
    shell: int | None = None
    peel: str | None = None
    options: Mapping[str, str] = MappingProxyType({})
    shared_with: tuple[str, ...] = ()
    host_state: str | None = None
    shell_state: str | None = None


class Usage(Value):
    """What a container uses, and its limits as the kernel shows them.

    Its cgroups count that.  A container without a limit has none: then ``processes``,
    ``memory`` and ``cpu_seconds`` are sums over its processes, and ``summed`` names each
    field that is one.  Memory and what was ``read`` and ``written`` are in bytes.  None is
    what neither a cgroup nor a process counts.
    """

    container: str
    paused: bool
    processes: int
    pids_limit: str | None
    forks_refused: int | None
    memory: int | None
    memory_peak: int | None
    memory_limit: str | None
    oom_kills: int | None
    cpu_seconds: float | None
    cpu_limit: str | None
    throttled_seconds: float | None
    read: int | None
    written: int | None
    io_limit: str | None
    cpuset: str | None
    summed: tuple[str, ...] = ()


class ShellState(StrEnum):
    """What the live bash is doing, as its terminal and the kernel tell."""

    STARTING = "starting"
    IDLE = "idle"
    CONTINUATION = "continuation"
    BUSY = "busy"
    PAUSED = "paused"
    DEAD = "dead"
    UNKNOWN = "unknown"


class ShellIdentity(Value):
    """One bash: its host PID and its PIDs from outermost to innermost namespace."""

    pid: int
    inside: tuple[int, ...]


class Change(Value):
    """What a fence or a peel did, as verified in the kernel afterwards.

    ``namespace`` and ``host`` are where the bash and the host are now, ``state`` what the
    kernel shows of a layer without a namespace.
    ``carried`` and ``left`` name the shell state that came along and that did not;
    ``notes`` are sentences for the user; ``first`` are changes that had to come before.
    ``woken`` says that the bash is one that was parked.
    """

    verb: str
    fence: str
    how: How
    before: ShellIdentity
    after: ShellIdentity
    namespace: NamespaceId | None = None
    host: NamespaceId | None = None
    state: str | None = None
    notes: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    first: tuple[Change, ...] = ()
    woken: bool = False


class LineResult(Value):
    """Output and exit status of one line that was typed into the live bash.

    ``status`` is None if bash did not report one (it ended, or was replaced).
    """

    status: int | None
    output: str


class Job(Value):
    """A background child of the live bash: bash's job number and all of its PIDs.

    ``pid`` is None if it had ended before it could be looked at.
    """

    number: int | None
    pid: int | None
    inside: tuple[int, ...]
    command: str


class VethPair(Value):
    """A veth pair (veth(4)): ``link`` is its end at the bridge, ``interface`` the one inside.

    ``addresses`` have a prefix length, as in ``10.192.0.2/24``; ``notes`` are sentences for
    the user.
    """

    link: str
    interface: str
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    notes: tuple[str, ...]


class Call(Value):
    """One system call that was really made, see strace(1) for the look of it.

    ``pid`` is the process that made it, ``remote`` is true if it was made in the live bash
    on our behalf; ``result`` is the return value, negative errno on failure; ``same_as`` is
    the shell command that does the same, where there is one.
    """

    pid: int
    name: str
    arguments: tuple[str, ...]
    result: int
    remote: bool
    same_as: str | None = None
