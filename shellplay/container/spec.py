"""The specification of a start: the process, its volumes and its fences."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from shellplay.fences import Fence
from shellplay.model import Value
from shellplay.settings import GRACE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from shellplay.network.port import Port

Report = Callable[[str, str], None]
# Stands for the address at which a container reaches its host.
HOST_GATEWAY = "host-gateway"
NOTHING: Mapping[str, str] = MappingProxyType({})


class VolumeSpec(Value):
    """A mount at ``target``: a file or directory of the host, or a tmpfs if None.

    A ``device`` may be opened; ``allowed`` are mount options, exec and suid, for a tmpfs.
    ``volume`` is the name of a volume, whose ``source`` is known once a container holds it;
    empty for a new one that ends with the container.  If it is empty, the files of the image
    at its target are ``copied``.  If it is of the image, another mount at its target wins.
    """

    source: Path | None
    target: str
    read_only: bool = False
    options: str = ""
    device: bool = False
    allowed: tuple[str, ...] = ()
    volume: str | None = None
    copied: bool = True
    of_image: bool = False
    labels: Mapping[str, str] = MappingProxyType({})


class NameSpec(Value):
    """The names that a container can look up, and by which its neighbours call it.

    ``hosts`` are names with their addresses, or HOST_GATEWAY.  ``servers``, ``searches`` and
    ``options`` replace those of resolv.conf(5), where there are any; the domain ``.`` stands
    for none.  ``aliases`` are its own names, ``links`` pairs of a container and its name here.
    """

    hosts: tuple[tuple[str, str], ...] = ()
    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


class EndpointSpec(Value):
    """The addresses to have at the bridge, and the hardware address; None: any."""

    addresses: tuple[str, ...] = ()
    mac: str | None = None


class CgroupSetting(Value):
    """One write to a cgroup for an ``option`` of run, to a file of a ``controller``.

    ``unified`` are the file and the text in version 2, ``legacy`` in version 1: of several the
    first file that is there.  Without any the version has no such setting.
    """

    option: str
    controller: str
    unified: tuple[tuple[str, str], ...] = ()
    legacy: tuple[tuple[str, str], ...] = ()


class LogSpec(Value):
    """How the output of a program is kept; ``most`` bytes of it, None for the usual number."""

    driver: str = "json-file"
    most: int | None = None


class ExecSpec(Value):
    """How a program beside the live bash differs from it, as for ``docker exec``.

    ``environment`` are more variables; ``user`` is as for ``-u``, None for that of the
    container; ``directory`` is a path inside, None for that of bash.  ``keys`` is a descriptor
    of ours that its stdin is read from; None for no stdin.  If it is ``detached``, nobody
    waits for it, and nothing is shown of it.
    """

    environment: Mapping[str, str] = NOTHING
    user: str | None = None
    directory: str | None = None
    keys: int | None = None
    detached: bool = False


class Metadata(Value):
    """What is noted of a container, and changes nothing inside.

    ``image`` is the name of its image, None for the files of the host; ``exposed`` are ports
    as NUMBER/PROTOCOL.
    """

    image: str | None = None
    labels: Mapping[str, str] = NOTHING
    annotations: Mapping[str, str] = NOTHING
    exposed: tuple[str, ...] = ()


class ProcessSpec(Value):
    """A program and its surroundings; it becomes PID 1 behind a pid fence.

    ``user`` is as for ``docker run -u``, ``groups`` as for ``--group-add``.  With ``terminal``
    it gets one, otherwise its output goes to pipes; with ``keys`` its stdin is a pipe, too.
    ``directory`` is made if it is missing.  ``init`` puts a process before it that reaps
    orphans.  An interactive bash reads ~/.bashrc if it ``reads_bashrc``.  If it is
    ``attended``, a command waits for its output.  If it is ``forgotten``, its container is
    removed after its end.  ``stop_seconds`` is the
    time from the stop signal to SIGKILL.  ``oom_score`` is as in proc_pid_oom_score_adj(5),
    None for that of this process; ``sysctls`` are kernel parameters by name.
    ``volumes_from`` are containers whose volumes it gets, too; true for read-only.
    ``tuning`` is written to its cgroups, which are below ``cgroup_parent`` if that is not
    empty.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = NOTHING
    directory: str = "/"
    user: str = ""
    terminal: bool = False
    keys: bool = False
    init: bool = False
    reads_bashrc: bool = False
    attended: bool = False
    forgotten: bool = False
    volumes: tuple[VolumeSpec, ...] = ()
    volumes_from: tuple[tuple[str, bool], ...] = ()
    tuning: tuple[CgroupSetting, ...] = ()
    cgroup_parent: str = ""
    stop_signal: str = "TERM"
    stop_seconds: float = GRACE_SECONDS
    groups: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = NOTHING
    oom_score: int | None = None
    logs: LogSpec = LogSpec()

    @property
    def is_bash(self) -> bool:
        """Whether it is an interactive bash on a terminal."""
        name = os.path.basename(self.argv[0])
        return self.terminal and not self.init and name == "bash" and len(self.argv) == 1

    @property
    def name(self) -> str:
        """The program as a user calls it."""
        return " ".join(self.argv)


def new_id() -> str:
    """Return the id of a new container, as long as Docker shows them."""
    return os.urandom(6).hex()


class StartSpec(Value):
    """The id of a container, its process, its fences and its published ports.

    ``report`` gets a sentence about each fence, "" once it is applied.  The ``id`` is chosen
    before the start: it may be the host name.  ``ports`` are published before the program
    starts, so that it never runs if one is taken; of several the first that is free.
    """

    id: str
    process: ProcessSpec
    fences: tuple[Fence, ...]
    report: Report
    ports: tuple[tuple[Port, ...], ...] = ()
    names: NameSpec = NameSpec()
    endpoint: EndpointSpec = EndpointSpec()
    metadata: Metadata = Metadata()
