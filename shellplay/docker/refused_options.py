"""The options of ``docker run`` that ``run`` refuses: the reason, and what to use instead."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """Why an option is refused, and what does something like it."""

    reason: str
    instead: str


_WINDOWS = "only Windows has it"
_NOT_YET = "run does not have it yet"
REFUSED: dict[str, Refusal] = {
    "cpu-count": Refusal(_WINDOWS, "--cpus 2"),
    "cpu-percent": Refusal(_WINDOWS, "--cpus 0.5"),
    "io-maxbandwidth": Refusal(_WINDOWS, "--device-read-bps /dev/sda:10m"),
    "io-maxiops": Refusal(_WINDOWS, "--device-read-iops /dev/sda:100"),
    "gpus": Refusal(
        "a GPU takes the driver of its maker inside, and no runtime here brings it",
        "--device /dev/dri, and -v for the libraries",
    ),
    "cpu-rt-period": Refusal(
        "real-time programs can stop the whole machine", "--cpus or --cpu-shares"
    ),
    "cpu-rt-runtime": Refusal(
        "real-time programs can stop the whole machine", "--cpus or --cpu-shares"
    ),
    "device-cgroup-rule": Refusal(
        "devices are mounted one by one here, and no cgroup opens others",
        "--device PATH for each",
    ),
    "link-local-ip": Refusal("the bridge has one range of addresses", "--ip"),
    "use-api-socket": Refusal("no daemon listens here, so there is no socket", "leave it out"),
    "restart": Refusal(_NOT_YET, "leave it out"),
    "health-cmd": Refusal(_NOT_YET, "leave it out"),
    "health-interval": Refusal(_NOT_YET, "leave it out"),
    "health-retries": Refusal(_NOT_YET, "leave it out"),
    "health-start-interval": Refusal(_NOT_YET, "leave it out"),
    "health-start-period": Refusal(_NOT_YET, "leave it out"),
    "health-timeout": Refusal(_NOT_YET, "leave it out"),
    "no-healthcheck": Refusal(_NOT_YET, "leave it out"),
}
