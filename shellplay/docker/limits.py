"""Translate the options for resources to the options of limits."""

from __future__ import annotations

import os

from shellplay.docker.amounts import number_of_bytes, whole_number
from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.base.cgroup_limit import amount
from shellplay.fences.cpu import LEAST_MICROSECONDS, PERIOD_MICROSECONDS
from shellplay.fences.memory import UNLIMITED, Memory
from shellplay.nearest import did_you_mean

LEAST_MEMORY = 6 << 20
LEAST_CPUS = 0.01


def limits(request: RunRequest) -> dict[str, dict[str, str]]:
    """Return the options of each limit by its kind; raises UsageError."""
    options: dict[str, dict[str, str]] = {}
    # For Docker, 0 means no limit.
    memory, swap = request.last("memory"), request.last("memory-swap")
    if memory not in (None, "0"):
        options["memory"] = {"max": _checked(memory)}
        if Memory.counts_swap():
            options["memory"]["swap"] = _swap(memory, swap)
    elif swap not in (None, "0"):
        raise UsageError("--memory-swap counts --memory in, which is not given", "-m AMOUNT")
    if processors := _processors(request):
        options["cpu"] = processors
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


def _swap(memory: str, both: str | None) -> str:
    """Return how much swap there is beside the memory; ``both`` is of memory and swap."""
    if both in (None, "0"):
        # Docker's default: as much swap as memory.
        return memory
    if both == "-1":
        return UNLIMITED
    swap = number_of_bytes("--memory-swap", both) - amount("memory", memory)
    if swap < 0:
        raise UsageError(f"--memory-swap {both} is less than --memory {memory}", "-1: no limit")
    return str(swap)


def _processors(request: RunRequest) -> dict[str, str]:
    """Return the options of the cpu fence, none for no limit."""
    cpus = request.last("cpus")
    period = _microseconds(request, "cpu-period", 1_000_000)
    quota = _microseconds(request, "cpu-quota", 2**53)
    if cpus not in (None, "0"):
        if period or quota:
            raise UsageError("--cpus is a quota in a period already", "leave one out")
        return {"cpus": _available(cpus)}
    if not quota:
        return {}
    length = period or PERIOD_MICROSECONDS
    return {"cpus": repr(quota / length), "period": str(length)}


def _microseconds(request: RunRequest, option: str, most: int) -> int:
    """Return a time, 0 for none."""
    number = whole_number(f"--{option}", request.last(option) or "0", -1, most)
    if number > 0 and number < LEAST_MICROSECONDS:
        raise UsageError(f"--{option} {number}: it is at least {LEAST_MICROSECONDS}")
    return max(number, 0)


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
        raise UsageError(f"--ulimit {text} is not a limit", did_you_mean(name, known))
    return name, value.replace("-1", "unlimited")
