"""Translate the options for resources to the options of limits."""

from __future__ import annotations

import os

from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.base.cgroup_limit import amount
from shellplay.fences.memory import Memory
from shellplay.nearest import did_you_mean

LEAST_MEMORY = 6 << 20
LEAST_CPUS = 0.01


def limits(request: RunRequest) -> dict[str, dict[str, str]]:
    """Return the options of each limit by its kind; raises UsageError."""
    options: dict[str, dict[str, str]] = {}
    # For Docker, 0 means no limit.
    if (memory := request.last("memory")) not in (None, "0"):
        options["memory"] = {"max": _checked(memory)}
        if Memory.counts_swap():
            # Docker's default: as much swap as memory.
            options["memory"]["swap"] = memory
    if (cpus := request.last("cpus")) not in (None, "0"):
        options["cpu"] = {"cpus": _available(cpus)}
    if (cpuset := request.last("cpuset-cpus")) is not None:
        options["cpuset"] = {"cpus": cpuset}
    if (pids := request.last("pids-limit")) is not None and pids not in ("-1", "0"):
        options["pids"] = {"max": pids}
    if request.all("ulimit"):
        options["rlimit"] = dict(map(_ulimit, request.all("ulimit")))
    return options


def _checked(memory: str) -> str:
    # Docker refuses less, as no usual program can start in it.
    if amount("memory", memory) < LEAST_MEMORY:
        raise UsageError(f"run -m {memory}: less than 6 MB is not enough", "run -m 6m")
    return memory


def _available(cpus: str) -> str:
    most = len(os.sched_getaffinity(0))
    try:
        number = float(cpus)
    except ValueError:
        return cpus  # The fence says what it takes.
    if not LEAST_CPUS <= number <= most:
        raise UsageError(
            f"run --cpus {cpus}: from {LEAST_CPUS} to {most}, as there are {most} processors",
            f"run --cpus {most}",
        )
    return cpus


def _ulimit(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    known = [option.name for option in REGISTRY["rlimit"].options()]
    if not equals or name not in known:
        raise UsageError(f"--ulimit {text} is no limit", did_you_mean(name, known))
    return name, value.replace("-1", "unlimited")
