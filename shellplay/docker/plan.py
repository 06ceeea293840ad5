"""Plan a ``run``: the fences in the order of runc, and the program behind them."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from shellplay.container.spec import (
    Metadata,
    ProcessSpec,
    Report,
    StartSpec,
    VolumeSpec,
    new_id,
)
from shellplay.docker.amounts import number_of_bytes, whole_number
from shellplay.docker.environment import environment
from shellplay.docker.labels import labels, notes
from shellplay.docker.limits import limits
from shellplay.docker.logs import logs
from shellplay.docker.mounts import volumes
from shellplay.docker.names import endpoint, names
from shellplay.docker.options import RunRequest
from shellplay.docker.ports import exposed, published
from shellplay.docker.security import apply_security_option, capabilities
from shellplay.docker.sysctls import sysctls
from shellplay.docker.tuning import cgroup_parent, tuning
from shellplay.docker.volumes import check_driver, of_image, volumes_from
from shellplay.errors import UsageError
from shellplay.fences import REGISTRY, Fence, docker
from shellplay.fences.net import BRIDGE, PASTA
from shellplay.kernel.signal_names import parse_signal
from shellplay.settings import GRACE_SECONDS
from shellplay.shell import detach_keys

if TYPE_CHECKING:
    from shellplay.image.manifest import Image

# The fences that mount over /proc, /sys and /dev; with --privileged they are left out.
KERNEL_MOUNTS = ("proc", "sys", "dev")
RUNTIMES = ("runc", "io.containerd.runc.v2")
# In Docker: a network that is --internal, with gateway_mode_ipv4=isolated.
ISOLATED = "isolated"
NETWORKS: dict[str, dict[str, str]] = {
    "none": {},
    BRIDGE: {"mode": BRIDGE},
    ISOLATED: {"mode": BRIDGE, "isolated": "yes"},
    PASTA: {"mode": PASTA},
}
# --ipc host also shares POSIX shared memory, which is files in /dev/shm (shm_overview(7)).
SHM = VolumeSpec(Path("/dev/shm"), "/dev/shm")
HOST, CONTAINER = "host", "container:"
LIMITS = ("memory", "cpu", "cpuset", "pids", "rlimit")


@dataclasses.dataclass(frozen=True)
class Plan:
    """A request with its image; ``start`` makes the StartSpec of the container.

    ``image`` is None for the files of the host; ``term`` is TERM for a program with a terminal.
    ``hostname_of`` returns the host name of another container.
    """

    request: RunRequest
    image: Image | None
    term: str
    hostname_of: Callable[[str], str]

    def start(self, report: Report) -> StartSpec:
        """Return the program and its fences; ``report`` gets notes about fences.

        Raises UsageError for options that are invalid or exclude each other.
        """
        name = new_id()
        hostname = self._hostname() or name
        _check_taken_as_is(self.request)
        fences = self._fences(hostname, report)
        kinds = [fence.kind for fence in fences]
        ports = published(self.request, self._exposed)
        if self.request.last("network") == HOST:
            # Docker discards them as well, with a warning.
            ports = ()
        return StartSpec(
            name,
            self._program(hostname, kinds),
            fences,
            report,
            ports,
            names(self.request),
            endpoint(self.request),
            self._metadata(),
        )

    @property
    def _exposed(self) -> tuple[str, ...]:
        return self.image.config.ports if self.image else ()

    def _metadata(self) -> Metadata:
        return Metadata(
            self.image.name if self.image else None,
            labels(self.request, self.image.config.labels if self.image else {}),
            notes(self.request),
            exposed(self.request, self._exposed),
        )

    def _hostname(self) -> str | None:
        """Return the host name inside, None for the id; a shared network has one name."""
        network = self.request.last("network") or ""
        if self.request.last("uts") == HOST:
            for option in ("hostname", "domainname"):
                if self.request.last(option):
                    raise UsageError(
                        f"--{option} changes nothing with --uts host", "leave one out"
                    )
            return os.uname().nodename
        if network.startswith(CONTAINER):
            return self.hostname_of(network.removeprefix(CONTAINER))
        return self.request.last("hostname") or (
            os.uname().nodename if network == HOST else None
        )

    # -- the program ---------------------------------------------------------------------

    def _program(self, hostname: str, kinds: Collection[str]) -> ProcessSpec:
        request, config = self.request, self.image.config if self.image else None
        argv = self._argv()
        return ProcessSpec(
            argv=argv,
            environment=environment(
                request, config.environment if config else (), hostname, self.term
            ),
            directory=_absolute(
                request.last("workdir") or (config.directory if config else "") or "/"
            ),
            user=request.last("user") or (config.user if config else ""),
            terminal=request.has("tty"),
            keys=request.has("interactive"),
            init=request.has("init"),
            reads_bashrc=self.image is not None,
            attended=not request.has("detach"),
            forgotten=request.has("rm"),
            volumes=self._volumes(),
            volumes_from=volumes_from(request),
            tuning=tuning(request),
            cgroup_parent=cgroup_parent(request),
            stop_signal=self._stop_signal(),
            stop_seconds=_stop_seconds(request),
            groups=request.all("group-add"),
            sysctls=sysctls(request, kinds),
            oom_score=_oom_score(request),
            logs=logs(request),
        )

    def _volumes(self) -> tuple[VolumeSpec, ...]:
        check_driver("--volume-driver", self.request.last("volume-driver") or "")
        specs = volumes(self.request)
        taken = [spec.target for spec in specs]
        asked = of_image(self.image.config.volumes) if self.image else ()
        specs = (*specs, *(each for each in asked if each.target not in taken))
        if SHM.target in taken:
            return specs
        size = self.request.last("shm-size")
        if self.request.last("ipc") == "host":
            if size is not None:
                raise UsageError("--shm-size changes nothing with --ipc host", "leave one out")
            return (*specs, SHM)
        return specs if size is None else (*specs, _shared_memory(size))

    def _argv(self) -> tuple[str, ...]:
        request, config = self.request, self.image.config if self.image else None
        entrypoint = request.last("entrypoint")
        if entrypoint is not None:
            # Docker's rule: --entrypoint also drops the command of the image.
            argv = (*([entrypoint] if entrypoint else []), *request.command)
        elif config is not None:
            argv = (*config.entrypoint, *(request.command or config.command))
        else:
            argv = request.command or ("/bin/bash",)
        if not argv:
            raise UsageError(f"{request.image} says no command", f"run {request.image} CMD")
        return argv

    def _stop_signal(self) -> str:
        """Return the signal that stop sends; that of an image may be an unknown one."""
        asked = self.request.last("stop-signal")
        if asked:
            parse_signal(asked)
            return asked
        return (self.image.config.stop_signal if self.image else "") or "TERM"

    # -- the fences ----------------------------------------------------------------------

    def _fences(self, hostname: str, report: Report) -> tuple[Fence, ...]:
        options = self._options(hostname, report)
        order = (
            *("user", *docker.NAMESPACES, "cgroup", *docker.FILES),
            *(*LIMITS, "nnp", *docker.PRIVILEGES),
        )
        kinds = [kind for kind in order if kind in options]
        return docker.fitted([REGISTRY[kind].parse(options[kind]) for kind in kinds])

    def _options(self, hostname: str, report: Report) -> dict[str, dict[str, str]]:
        """Return the options of each fence by its kind."""
        request = self.request
        options: dict[str, dict[str, str]] = {kind: {} for kind in docker.preset()}
        options["root"] = self._root()
        options["uts"] = {"hostname": hostname}
        if domain := request.last("domainname"):
            options["uts"]["domainname"] = domain
        if request.last("network") is None:
            options["net"], reason = docker.network()
            if reason is not None:
                report("net", reason)
        for kind in ("pid", "ipc", "uts", "net", "cgroup"):
            self._share(kind, options)
        if request.has("privileged"):
            for kind in (*KERNEL_MOUNTS, "seccomp"):
                del options[kind]
        options.update(limits(request))
        if caps := capabilities(request):
            options["caps"] = caps
        else:
            options.pop("caps")
        for word in request.all("security-opt"):
            apply_security_option(word, options)
        return options

    def _root(self) -> dict[str, str]:
        options = {} if self.request.has("privileged") else dict(docker.OPTIONS["root"])
        if self.request.has("read-only"):
            options["ro"] = "yes"
        for text in self.request.all("storage-opt"):
            options["size"] = _room(text)
        return options if self.image is None else {"image": self.request.image, **options}

    def _share(self, kind: str, options: dict[str, dict[str, str]]) -> None:
        """Change the options of a namespace by --pid, --ipc, --uts, --network or --cgroupns.

        It is left out (host), or joined (container:NAME).
        """
        name = {"net": "network", "cgroup": "cgroupns"}.get(kind, kind)
        mode = self.request.last(name)
        if not mode:
            return
        if mode == HOST:
            options.pop(kind, None)
        elif mode.startswith(CONTAINER):
            options[kind] = {"join": mode.removeprefix(CONTAINER)}
            if "user" in options:
                # setns(2) needs capabilities in the user namespace that owns the target.
                options["user"] = options[kind]
        elif kind == "net" and mode in (BRIDGE, ISOLATED) and os.geteuid() != 0:
            raise UsageError("a bridge on the host takes root", "--network pasta")
        elif kind == "net" and mode in NETWORKS:
            options[kind] = NETWORKS[mode]
        elif kind == "cgroup" and mode == "private":
            options[kind] = {}
        elif kind == "ipc" and mode == "none":
            if "dev" in options:
                options["dev"] = {"shm": "no"}
        elif kind == "net":
            raise UsageError(
                f"there is no network {mode!r}: a playground has one bridge, on which its "
                "containers know each other by name",
                "--network bridge, or none, pasta, host or container:NAME",
            )
        elif not (kind == "ipc" and mode in ("private", "shareable")):
            raise UsageError(f"run --{name} cannot be {mode}", "host or container:NAME")


def _room(text: str) -> str:
    name, _, value = text.partition("=")
    if name != "size":
        raise UsageError(f"--storage-opt {text} is not known here", "size=AMOUNT")
    if not number_of_bytes("--storage-opt size", value):
        raise UsageError(f"--storage-opt {text} leaves no room", "--read-only")
    return value


def _shared_memory(size: str) -> VolumeSpec:
    number = number_of_bytes("--shm-size", size)
    if not number:
        raise UsageError("--shm-size 0 leaves no room", "--ipc none")
    return VolumeSpec(None, SHM.target, options=f"mode=1777,size={number}")


def _stop_seconds(request: RunRequest) -> float:
    text = request.last("stop-timeout")
    if text is None:
        return GRACE_SECONDS
    seconds = whole_number("--stop-timeout", text, -1, 10**9)
    return math.inf if seconds == -1 else seconds


def _oom_score(request: RunRequest) -> int | None:
    text = request.last("oom-score-adj")
    return None if text is None else whole_number("--oom-score-adj", text, -1000, 1000)


def _check_taken_as_is(request: RunRequest) -> None:
    """Raise UsageError for a value that stands for something else than what is done anyway."""
    if keys := request.last("detach-keys"):
        detach_keys.check(keys)
    if not request.has("disable-content-trust", otherwise=True):
        raise UsageError(
            "--disable-content-trust=false checks signatures, which this cannot",
            "name the image by its digest: NAME@sha256:...",
        )
    if request.last("runtime") not in (None, "", *RUNTIMES):
        raise UsageError(
            f"--runtime {request.last('runtime')}: containers are started as runc starts them, "
            "and by no other program",
            "leave it out",
        )
    if request.last("isolation") not in (None, "", "default"):
        raise UsageError(
            f"--isolation {request.last('isolation')}: only Windows has others than default",
            "leave it out",
        )


def _absolute(directory: str) -> str:
    if not directory.startswith("/"):
        raise UsageError(
            f"the working directory {directory} is not an absolute path", f"-w /{directory}"
        )
    return directory
