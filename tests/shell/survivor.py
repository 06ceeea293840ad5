"""A program that runs a playground and that a test kills: ``python -m`` this file.

It says ``ready REPL PLAYGROUND BASH`` when everything that its arguments name is up, and
waits until its standard input ends; then it closes the playground, as a REPL does.
"""

from __future__ import annotations

import os
import sys

from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground

# The options that a limit needs, and those for a network with more than a loopback.
VALUES = {
    "memory": {"max": "64M"}, "pids": {"max": "100"}, "cpu": {"cpus": "2"},
    "net": {"mode": "bridge"},
}  # fmt: skip
PAUSE = "pause"


def main(kinds: str, *lines: str) -> None:
    """Fence a container by ``kinds`` (separated by commas) and run ``lines`` in it.

    The last of the kinds may be ``pause``: then all of it is frozen at the end.
    """
    wanted = kinds.split(",") if kinds else []
    with Playground() as playground:
        container = playground.new("box")
        for kind in wanted:
            if kind != PAUSE:
                container.fence(REGISTRY[kind].parse(VALUES.get(kind, {})))
        for line in lines:
            container.run(line)
        if PAUSE in wanted:
            playground.pause(container)
        words = ("ready", playground.repl_pid, playground.playground_pid, container.pid)
        sys.stdout.write(" ".join(map(str, words)) + "\n")
        sys.stdout.flush()
        while os.read(0, 4096):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
