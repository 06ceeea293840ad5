"""Plan a ``run``: the fences in the order of runc, and the program behind them."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from shellplay.container.spec import ProcessSpec, Report, StartSpec, VolumeSpec, new_id
from shellplay.directories import expanded
from shellplay.docker.mounts import volumes
from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError
from shellplay.fences import REGISTRY, Fence, docker
from shellplay.fences.caps import ALL, PRESETS
from shellplay.fences.net import BRIDGE, PASTA
from shellplay.kernel.capabilities import NAMES
from shellplay.nearest import did_you_mean

if TYPE_CHECKING:
    from shellplay.image.manifest import Image

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The fences that mount over /proc, /sys and /dev; with --privileged they are left out.
KERNEL_MOUNTS = ("proc", "sys", "dev")
NETWORKS: dict[str, dict[str, str]] = {
    "none": {},
    BRIDGE: {"mode": BRIDGE},
    PASTA: {"mode": PASTA},
}
# --ipc host also shares POSIX shared memory, which is files in /dev/shm (shm_overview(7)).
SHM = VolumeSpec(Path("/dev/shm"), "/dev/shm")
LIMITS = ("memory", "cpu", "cpuset", "pids", "rlimit")


@dataclasses.dataclass(frozen=True)
class Plan:
    """A request with its image; ``start`` makes the StartSpec of the container.

    ``image`` is None for the files of the host; ``term`` is TERM for a program with a terminal.
    """

    request: RunRequest
    image: Image | None
    term: str

    @property
    def ports(self) -> tuple[str, ...]:
        """The texts of the ports to publish; raises UsageError for an invalid one."""
        from shellplay.network.port import Port

        ports = self.request.all("publish")
        for text in ports:
            Port.parse(text)
        return ports

    def start(self, report: Report) -> StartSpec:
        """Return the program and its fences; ``report`` gets notes about fences.

        Raises UsageError for options that are invalid or exclude each other.
        """
        name = new_id()
        hostname = self.request.last("hostname") or name
        if self.request.last("uts") == "host":
            if self.request.last("hostname"):
                raise UsageError("--hostname changes nothing with --uts host", "leave one out")
            hostname = os.uname().nodename
        fences = self._fences(hostname, report)
        if self.ports and "net" not in [fence.kind for fence in fences]:
            raise UsageError("-p publishes nothing with --network host", "leave one out")
        return StartSpec(name, self._program(hostname), fences, report, self.ports)

    # -- the program ---------------------------------------------------------------------

    def _program(self, hostname: str) -> ProcessSpec:
        request, config = self.request, self.image.config if self.image else None
        argv = self._argv()
        return ProcessSpec(
            argv=argv,
            environment=self._environment(hostname),
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
            stop_signal=_signal(
                request.last("stop-signal") or (config.stop_signal if config else "")
            ),
        )

    def _volumes(self) -> tuple[VolumeSpec, ...]:
        specs = volumes(self.request)
        taken = [spec.target for spec in specs]
        shared = self.request.last("ipc") == "host" and SHM.target not in taken
        return (*specs, SHM) if shared else specs

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

    def _environment(self, hostname: str) -> dict[str, str]:
        config = self.image.config if self.image else None
        variables = {"PATH": PATH, "HOSTNAME": hostname}
        if self.request.has("tty"):
            variables["TERM"] = self.term
        variables.update(_variables(config.environment if config else ()))
        for file in self.request.all("env-file"):
            variables.update(_variables(_lines(file)))
        for name in self.request.all("env"):
            # Docker's rule: -e NAME unsets the variable if it is not in our environment.
            variables.pop(name, None)
            variables.update(_variables((name,)))
        return variables

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
        if request.last("network") is None:
            options["net"], reason = docker.network()
            if reason is not None:
                report("net", reason)
        for kind in ("pid", "ipc", "uts", "net", "cgroup"):
            self._share(kind, options)
        if request.has("privileged"):
            for kind in (*KERNEL_MOUNTS, "seccomp"):
                del options[kind]
        options.update(_limits(request))
        if caps := _capabilities(request):
            options["caps"] = caps
        else:
            options.pop("caps")
        for word in request.all("security-opt"):
            _security(word, options)
        return options

    def _root(self) -> dict[str, str]:
        options = {} if self.request.has("privileged") else dict(docker.OPTIONS["root"])
        if self.request.has("read-only"):
            options["ro"] = "yes"
        return options if self.image is None else {"image": self.request.image, **options}

    def _share(self, kind: str, options: dict[str, dict[str, str]]) -> None:
        """Change the options of a namespace by --pid, --ipc, --uts, --network or --cgroupns.

        It is left out (host), or joined (container:NAME).
        """
        name = {"net": "network", "cgroup": "cgroupns"}.get(kind, kind)
        mode = self.request.last(name)
        if mode is None:
            return
        if mode == "host":
            options.pop(kind, None)
        elif mode.startswith("container:"):
            options[kind] = {"join": mode.partition(":")[2]}
            if "user" in options:
                # setns(2) needs capabilities in the user namespace that owns the target.
                options["user"] = options[kind]
        elif kind == "net" and mode == BRIDGE and os.geteuid() != 0:
            raise UsageError("a bridge on the host takes root", "--network pasta")
        elif kind == "net" and mode in NETWORKS:
            options[kind] = NETWORKS[mode]
        elif kind == "cgroup" and mode == "private":
            options[kind] = {}
        elif not (kind == "ipc" and mode in ("private", "shareable")):
            others = ", ".join(("", *NETWORKS)) if kind == "net" else ""
            raise UsageError(
                f"run --{name} cannot be {mode}", f"host{others} or container:NAME"
            )


def _absolute(directory: str) -> str:
    if not directory.startswith("/"):
        raise UsageError(
            f"the working directory {directory} is no absolute path", f"-w /{directory}"
        )
    return directory


def _signal(text: str) -> str:
    if not text:
        return "TERM"
    name = text.upper().removeprefix("SIG")
    if text.isdecimal() and int(text) in signal.valid_signals():
        name = signal.Signals(int(text)).name.removeprefix("SIG")
    if f"SIG{name}" not in signal.Signals.__members__:
        raise UsageError(f"there is no signal {text}", "as in TERM, INT or 15")
    return name


def _variables(lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield ``NAME=VALUE``; a name alone is a variable of ours, if there is one."""
    for line in lines:
        name, equals, value = line.partition("=")
        if not name or "\0" in line:
            raise UsageError(f"{line!r} is no variable", "NAME=VALUE")
        if equals:
            yield name, value
        elif name in os.environ:
            yield name, os.environ[name]


def _lines(file: str) -> tuple[str, ...]:
    try:
        text = expanded(file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--env-file {file} cannot be read: {error}") from error
    # Docker's rule: all characters after = belong to the value, spaces at the end too.
    lines = (line.removesuffix("\r").lstrip() for line in text.split("\n"))
    kept = tuple(line for line in lines if line and not line.startswith("#"))
    for line in kept:
        if any(letter.isspace() for letter in line.partition("=")[0]):
            raise UsageError(
                f"--env-file {file}: {line!r} has spaces in its name", "NAME=VALUE"
            )
    return kept


def _limits(request: RunRequest) -> dict[str, dict[str, str]]:
    options: dict[str, dict[str, str]] = {}
    # For Docker, 0 means no limit.
    if (memory := request.last("memory")) not in (None, "0"):
        options["memory"] = {"max": memory}
    if (cpus := request.last("cpus")) not in (None, "0"):
        options["cpu"] = {"cpus": cpus}
    if (cpuset := request.last("cpuset-cpus")) is not None:
        options["cpuset"] = {"cpus": cpuset}
    if (pids := request.last("pids-limit")) is not None and pids not in ("-1", "0"):
        options["pids"] = {"max": pids}
    if request.all("ulimit"):
        options["rlimit"] = dict(map(_ulimit, request.all("ulimit")))
    return options


def _ulimit(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    known = [option.name for option in REGISTRY["rlimit"].options()]
    if not equals or name not in known:
        raise UsageError(f"--ulimit {text} is no limit", did_you_mean(name, known))
    return name, value.replace("-1", "unlimited")


def _capabilities(request: RunRequest) -> dict[str, str]:
    """Return the options of the caps fence, none if no capability is dropped."""
    if request.has("privileged"):
        return {}
    add = [name.lower().removeprefix("cap_") for name in request.all("cap-add")]
    drop = [name.lower().removeprefix("cap_") for name in request.all("cap-drop")]
    for name in (*add, *drop):
        if name not in (ALL, *NAMES):
            suggestion = did_you_mean(name, NAMES, "man 7 capabilities has them")
            raise UsageError(f"there is no capability {name!r}", suggestion)
    if ALL in add:
        dropped = [name for name in drop if name != ALL]
        return {"drop": ",".join(dropped)} if dropped else {}
    if ALL in drop:
        # Docker's rule: --cap-add counts even if --cap-drop ALL comes later.
        return {"keep": ",".join(add)} if add else {"preset": "none"}
    if not add and not drop:
        return {"preset": "docker"}
    kept = [*(name for name in PRESETS["docker"] if name not in drop), *add]
    return {"keep": ",".join(dict.fromkeys(kept))} if kept else {"preset": "none"}


def _security(word: str, options: dict[str, dict[str, str]]) -> None:
    key, _, value = word.replace(":", "=", 1).partition("=")
    if key == "no-new-privileges" and value in ("", "true"):
        options["nnp"] = {}
    elif key == "seccomp" and value == "unconfined":
        options.pop("seccomp", None)
    elif key == "seccomp" and value:
        options["seccomp"] = {"profile": value}
    elif (key, value) not in (("no-new-privileges", "false"), ("apparmor", "unconfined")):
        fix = "no-new-privileges, seccomp=unconfined or seccomp=FILE"
        raise UsageError(f"--security-opt {word} is not known here", fix)
