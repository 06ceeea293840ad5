"""What ``run`` is to do: the fences in Docker's order, and the program behind them."""

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
from shellplay.docker.options import Asked
from shellplay.errors import UsageError
from shellplay.fences import REGISTRY, Fence, docker
from shellplay.fences.caps import ALL, PRESETS
from shellplay.fences.net import BRIDGE, PASTA
from shellplay.kernel.capabilities import NAMES
from shellplay.nearest import did_you_mean

if TYPE_CHECKING:
    from shellplay.image.manifest import Image

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What is mounted over the kernel's directories, which --privileged has as they are.
COVERS = ("proc", "sys", "dev")
NETWORKS: dict[str, dict[str, str]] = {
    "none": {},
    BRIDGE: {"mode": BRIDGE},
    PASTA: {"mode": PASTA},
}
# With the semaphores and queues of the host comes the shared memory that lies in files.
SHM = VolumeSpec(Path("/dev/shm"), "/dev/shm")
LIMITS = ("memory", "cpu", "cpuset", "pids", "rlimit")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What was asked of ``run``: what it starts, and which ports lead there then."""

    asked: Asked
    image: Image | None
    term: str

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports to publish; raises UsageError."""
        from shellplay.network.port import Port

        ports = self.asked.all("publish")
        for each in ports:
            Port.parse(each)
        return ports

    def start(self, report: Report) -> StartSpec:
        """Return program and fences; raises UsageError for what is wrong with it."""
        name = new_id()
        hostname = self.asked.last("hostname") or name
        if self.asked.last("uts") == "host":
            if self.asked.last("hostname"):
                raise UsageError("--hostname changes nothing with --uts host", "leave one out")
            hostname = os.uname().nodename
        fences = self._fences(hostname, report)
        if self.ports and "net" not in [each.kind for each in fences]:
            raise UsageError("-p publishes nothing with --network host", "leave one out")
        return StartSpec(name, self._program(hostname), fences, report, self.ports)

    # -- the program ---------------------------------------------------------------------

    def _program(self, hostname: str) -> ProcessSpec:
        asked, config = self.asked, self.image.config if self.image else None
        argv = self._argv()
        return ProcessSpec(
            argv=argv,
            environment=self._environment(hostname),
            directory=_absolute(
                asked.last("workdir") or (config.directory if config else "") or "/"
            ),
            user=asked.last("user") or (config.user if config else ""),
            terminal=asked.has("tty"),
            keys=asked.has("interactive"),
            init=asked.has("init"),
            reads_bashrc=self.image is not None,
            attended=not asked.has("detach"),
            forgotten=asked.has("rm"),
            volumes=self._volumes(),
            stop_signal=_signal(
                asked.last("stop-signal") or (config.stop_signal if config else "")
            ),
        )

    def _volumes(self) -> tuple[VolumeSpec, ...]:
        found = volumes(self.asked)
        taken = [each.target for each in found]
        shared = self.asked.last("ipc") == "host" and SHM.target not in taken
        return (*found, SHM) if shared else found

    def _argv(self) -> tuple[str, ...]:
        asked, config = self.asked, self.image.config if self.image else None
        entrypoint = asked.last("entrypoint")
        if entrypoint is not None:
            # As for Docker, that leaves the image's own command out as well.
            argv = (*([entrypoint] if entrypoint else []), *asked.command)
        elif config is not None:
            argv = (*config.entrypoint, *(asked.command or config.command))
        else:
            argv = asked.command or ("/bin/bash",)
        if not argv:
            raise UsageError(f"{asked.image} says no command", f"run {asked.image} CMD")
        return argv

    def _environment(self, hostname: str) -> dict[str, str]:
        config = self.image.config if self.image else None
        found = {"PATH": PATH, "HOSTNAME": hostname}
        if self.asked.has("tty"):
            found["TERM"] = self.term
        found.update(_variables(config.environment if config else ()))
        for file in self.asked.all("env-file"):
            found.update(_variables(_lines(file)))
        for each in self.asked.all("env"):
            # As for Docker, a name that we have not is none inside either.
            found.pop(each, None)
            found.update(_variables((each,)))
        return found

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
        """Return the kinds of the fences, each with its options."""
        asked = self.asked
        found: dict[str, dict[str, str]] = {kind: {} for kind in docker.preset()}
        found["root"] = self._root()
        found["uts"] = {"hostname": hostname}
        if asked.last("network") is None:
            found["net"], why = docker.network()
            if why is not None:
                report("net", why)
        for kind in ("pid", "ipc", "uts", "net", "cgroup"):
            self._share(kind, found)
        if asked.has("privileged"):
            for kind in (*COVERS, "seccomp"):
                del found[kind]
        found.update(_limits(asked))
        if caps := _capabilities(asked):
            found["caps"] = caps
        else:
            found.pop("caps")
        for word in asked.all("security-opt"):
            _security(word, found)
        return found

    def _root(self) -> dict[str, str]:
        given = {} if self.asked.has("privileged") else dict(docker.OPTIONS["root"])
        if self.asked.has("read-only"):
            given["ro"] = "yes"
        return given if self.image is None else {"image": self.asked.image, **given}

    def _share(self, kind: str, found: dict[str, dict[str, str]]) -> None:
        """Leave the namespace of a kind out, or join another container's, if that is asked."""
        name = {"net": "network", "cgroup": "cgroupns"}.get(kind, kind)
        mode = self.asked.last(name)
        if mode is None:
            return
        if mode == "host":
            found.pop(kind, None)
        elif mode.startswith("container:"):
            found[kind] = {"join": mode.partition(":")[2]}
            if "user" in found:
                # To join what belongs to another user namespace one has to be in that.
                found["user"] = found[kind]
        elif kind == "net" and mode == BRIDGE and os.geteuid() != 0:
            raise UsageError("a bridge on the host takes root", "--network pasta")
        elif kind == "net" and mode in NETWORKS:
            found[kind] = NETWORKS[mode]
        elif kind == "cgroup" and mode == "private":
            found[kind] = {}
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
    # As Docker reads it: what is behind a name belongs to the value, be it a space.
    lines = (line.removesuffix("\r").lstrip() for line in text.split("\n"))
    found = tuple(line for line in lines if line and not line.startswith("#"))
    for line in found:
        if any(letter.isspace() for letter in line.partition("=")[0]):
            raise UsageError(
                f"--env-file {file}: {line!r} has spaces in its name", "NAME=VALUE"
            )
    return found


def _limits(asked: Asked) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    # For Docker 0 is no limit.
    if (memory := asked.last("memory")) not in (None, "0"):
        found["memory"] = {"max": memory}
    if (cpus := asked.last("cpus")) not in (None, "0"):
        found["cpu"] = {"cpus": cpus}
    if (cpuset := asked.last("cpuset-cpus")) is not None:
        found["cpuset"] = {"cpus": cpuset}
    if (pids := asked.last("pids-limit")) is not None and pids not in ("-1", "0"):
        found["pids"] = {"max": pids}
    if asked.all("ulimit"):
        found["rlimit"] = dict(map(_ulimit, asked.all("ulimit")))
    return found


def _ulimit(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    known = [option.name for option in REGISTRY["rlimit"].options()]
    if not equals or name not in known:
        raise UsageError(f"--ulimit {text} is no limit", did_you_mean(name, known))
    return name, value.replace("-1", "unlimited")


def _capabilities(asked: Asked) -> dict[str, str]:
    """Return the options of caps; nothing if no capability is dropped."""
    if asked.has("privileged"):
        return {}
    add = [each.lower().removeprefix("cap_") for each in asked.all("cap-add")]
    drop = [each.lower().removeprefix("cap_") for each in asked.all("cap-drop")]
    for each in (*add, *drop):
        if each not in (ALL, *NAMES):
            near = did_you_mean(each, NAMES, "man 7 capabilities has them")
            raise UsageError(f"there is no capability {each!r}", near)
    if ALL in add:
        dropped = [each for each in drop if each != ALL]
        return {"drop": ",".join(dropped)} if dropped else {}
    if ALL in drop:
        # What is added counts also behind a drop of all, as for Docker.
        return {"keep": ",".join(add)} if add else {"preset": "none"}
    if not add and not drop:
        return {"preset": "docker"}
    kept = [*(each for each in PRESETS["docker"] if each not in drop), *add]
    return {"keep": ",".join(dict.fromkeys(kept))} if kept else {"preset": "none"}


def _security(word: str, found: dict[str, dict[str, str]]) -> None:
    key, _, value = word.replace(":", "=", 1).partition("=")
    if key == "no-new-privileges" and value in ("", "true"):
        found["nnp"] = {}
    elif key == "seccomp" and value == "unconfined":
        found.pop("seccomp", None)
    elif key == "seccomp" and value:
        found["seccomp"] = {"profile": value}
    elif (key, value) not in (("no-new-privileges", "false"), ("apparmor", "unconfined")):
        fix = "no-new-privileges, seccomp=unconfined or seccomp=FILE"
        raise UsageError(f"--security-opt {word} is not known here", fix)
