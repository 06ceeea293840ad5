"""Translate --log-driver and --log-opt: how much of the output is kept for logs."""

from __future__ import annotations

import re

from shellplay.container.spec import LogSpec
from shellplay.docker.amounts import number_of_bytes
from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError

DRIVERS = ("json-file", "local", "none")
# Options that are about files and readers that Docker has; without them they change nothing.
WITHOUT_EFFECT = {"compress": ("true", "false"), "mode": ("blocking", "non-blocking")}
FIX = "max-size=AMOUNT and max-file=NUMBER"


def logs(request: RunRequest) -> LogSpec:
    """Return how the output of a program is kept; raises UsageError."""
    driver = request.last("log-driver") or DRIVERS[0]
    if driver not in DRIVERS:
        raise UsageError(
            f"--log-driver {driver} sends output to a service, which this does not",
            "json-file, local or none, and a pipe to the service",
        )
    options = dict(map(_pair, request.all("log-opt")))
    if driver == "none" and options:
        raise UsageError("--log-opt changes nothing with --log-driver none", "leave one out")
    size = options.pop("max-size", None)
    files = options.pop("max-file", "1")
    if not re.fullmatch("[1-9][0-9]{0,5}", files):
        raise UsageError(f"--log-opt max-file={files} is not a number of files", "as in 3")
    for name, value in options.items():
        if value not in WITHOUT_EFFECT.get(name, ()):
            raise UsageError(f"--log-opt {name}={value} is not known here", FIX)
    if size in (None, "-1"):
        return LogSpec(driver)
    most = number_of_bytes("--log-opt max-size", str(size)) * int(files)
    if not most:
        raise UsageError(f"--log-opt max-size={size} keeps nothing", "--log-driver none")
    return LogSpec(driver, most)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--log-opt {text} has no value", FIX)
    return name, value
