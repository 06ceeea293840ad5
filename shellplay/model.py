"""Frozen values that packages pass to each other; no input or output here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Value:
    """A frozen value: the annotated names of its class are its fields, in that order.

    All classes share one ``__init__``.  NamedTuple and dataclass generate and compile code for
    each class, which takes longer than loading the module of the class.
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
        """Return a copy with other values for some fields."""
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
    """The role of a process in the playground.

    ``REPL`` is the front end, ``PLAYGROUND`` the monitor, ``SHELL`` a live bash, ``PARKED`` a
    suspended bash outside a one-way fence, ``JOB`` a child of a bash, ``CHILD`` a deeper
    descendant, and ``HOST`` any other process.
    """

    REPL = "repl"
    PLAYGROUND = "playground"
    SHELL = "shell"
    PARKED = "parked"
    JOB = "job"
    CHILD = "child"
    HOST = "host"


class ProcessDetails(Value):
    """The facts about a process in a long listing, see ps(1); None: it cannot be read.

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
    """How a fence was applied."""

    IN_PLACE = "in-place"
    FORKED = "forked"
    OUTSIDE = "outside"
    RESPAWNED = "respawned"


class FenceRecord(Value):
    """One layer of a container: whether it is fenced, and how ``peel`` removes the fence.

    ``host`` and ``shell`` are the inode numbers of the namespaces of the host and of bash.  A
    layer without a namespace has ``host_state`` and ``shell_state`` from the kernel instead.
    None: the layer does not have it, or it cannot be read.  ``shared_with`` are the labels of
    other containers in the same fenced namespace.
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


class Layer(Value):
    """One fence that is up, for a picture: its family, and a few words on what is inside.

    ``family`` is "namespaces", "files", "limits" or "privileges".  ``contents`` is "" if
    nothing tells.  ``shared_with`` is that of the `FenceRecord`.
    """

    fence: str
    family: str
    contents: str
    shared_with: tuple[str, ...] = ()


class Parked(Value):
    """A parked bash, and the one-way fences that it is the first one outside of."""

    pid: int
    fences: tuple[str, ...]


class Picture(Value):
    """The layers of a container, outermost first, with the processes in the middle.

    Without a container ``label`` is None, and there are no layers.  ``bash`` is None if no
    bash is alive.  ``not_fenced`` are the kinds of the other layers, ``others`` the labels of
    the other containers.
    """

    label: str | None
    host: str
    host_processes: int
    layers: tuple[Layer, ...] = ()
    bash: ShellIdentity | None = None
    processes: tuple[Process, ...] = ()
    parked: tuple[Parked, ...] = ()
    not_fenced: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Usage(Value):
    """The usage of a container, and its limits as the kernel shows them.

    The cgroups of the container count it.  A container without a limit has no cgroup: then
    ``processes``, ``memory`` and ``cpu_seconds`` are sums over its processes, and ``summed``
    has the names of these fields.  ``memory``, ``read`` and ``written`` are in bytes.  None:
    neither a cgroup nor a process counts it.
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
    """The state of the live bash, by its terminal and the kernel.

    ``ENDED``: it has ended, and a bash outside waits.  ``DEAD``: no bash is left.
    """

    STARTING = "starting"
    IDLE = "idle"
    CONTINUATION = "continuation"
    BUSY = "busy"
    PAUSED = "paused"
    ENDED = "ended"
    DEAD = "dead"
    UNKNOWN = "unknown"


class ShellIdentity(Value):
    """One bash: its host PID and its PIDs from outermost to innermost namespace."""

    pid: int
    inside: tuple[int, ...]


class Change(Value):
    """The change that a fence or a peel has made, verified in the kernel afterwards.

    ``namespace`` and ``host`` are the namespaces of bash and of the host now; a layer without
    a namespace has a ``state`` instead.  ``carried`` and ``left`` name the shell state that was
    transferred, and that was not; ``withheld`` names the state that stayed inside because it
    is code.  ``ended`` names the jobs that ended.  ``notes`` are sentences for the user,
    ``first`` the changes that had to come before.  ``woken`` is true if the bash was suspended
    before.
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
    withheld: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    first: tuple[Change, ...] = ()
    woken: bool = False


class LineResult(Value):
    """The output and the exit status of one line, typed into the live bash.

    ``status`` is None if bash reported none: it has ended, or has executed another program.
    ``left`` is true if the line still runs: the user has typed the detach key.
    """

    status: int | None
    output: str
    left: bool = False


class Job(Value):
    """A background job of the live bash: its job number, and the PIDs of its process.

    ``pid`` is None if the process ended before it could be read.
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
    """One system call that was made, in the form of strace(1).

    ``pid`` is the process that made it.  ``remote`` is true if another process made it for
    this one.  ``result`` is the return value, or a negative errno.  ``same_as`` is the shell
    command with the same effect; None if there is none.
    """

    pid: int
    name: str
    arguments: tuple[str, ...]
    result: int
    remote: bool
    same_as: str | None = None
