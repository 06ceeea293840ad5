"""The runs on both sides: options of ``run``, and programs whose exits are compared."""

from __future__ import annotations

from dataclasses import dataclass

from shellplay.fences.base.seccomp_profile import DOCKER as PROFILE

GUEST = "1000:1000"


@dataclass(frozen=True, slots=True)
class Scenario:
    """The same options for both sides, with a name for the list of differences."""

    name: str
    options: tuple[str, ...] = ()
    terminal: bool = False


def _alone(name: str, *options: str, terminal: bool = False) -> Scenario:
    return Scenario(name, ("--network", "none", *options), terminal)


SCENARIOS = (
    _alone("none"),
    Scenario("bridge", ("--network", "bridge")),
    _alone("terminal", "-it", terminal=True),
    _alone("limits", "-m", "64m", "--cpus", "0.5", "--pids-limit", "50", "--cpuset-cpus", "0"),
    _alone("guest", "-u", GUEST, "-w", "/new/place", "-e", "A=1", "-e", "HOME=/tmp"),
    _alone("caps", "--cap-drop", "ALL", "--cap-add", "NET_RAW", "--cap-add", "SYS_TIME"),
    _alone("added", "--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE"),
    _alone("nnp", "--security-opt", "no-new-privileges"),
    _alone("unfiltered", "--security-opt", "seccomp=unconfined"),
    _alone("profile", "--security-opt", f"seccomp={PROFILE}"),
    _alone("read-only", "--read-only", "--tmpfs", "/tmp", "--hostname", "web"),
    _alone("mounts", "-v", "/etc/os-release:/release:ro", "--tmpfs", "/run:size=1m",
           "--mount", "type=bind,source=/usr/share,target=/shared,readonly"),
    _alone("ulimit", "--ulimit", "nofile=100:200", "--ulimit", "core=0"),
    _alone("init", "--init"),
    _alone("shared", "--pid", "host", "--ipc", "host", "--uts", "host"),
    _alone("device", "--device", "/dev/loop-control"),
    _alone("privileged", "--privileged"),
)  # fmt: skip

# Each exits in another way: the words after the image, and the options before it.
ENDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "true": ((), ("true",)),
    "three": ((), ("sh", "-c", "exit 3")),
    "killed": ((), ("sh", "-c", "sh -c 'kill -9 $$'; exit $?")),
    "deaf": ((), ("sh", "-c", "kill -TERM $$; exit 4")),
    "missing": ((), ("no-such-program",)),
    "missing path": ((), ("/no/such/program",)),
    "directory": ((), ("/etc",)),
    "no program": ((), ("/etc/passwd",)),
    "unknown option": (("--no-such-option",), ("true",)),
    "unknown user": (("-u", "nobody-of-that-name"), ("true",)),
    "relative directory": (("-w", "here"), ("true",)),
    "missing source": (("--mount", "type=bind,source=/no/such,target=/x"), ("true",)),
    "entrypoint": (("--entrypoint", "/bin/sh"), ("-c", "exit 5")),
}
