"""Write docs/probes.md: which experiment is open behind which fences.

Run ``python -m tests.refusal.matrix`` as root.
"""

from __future__ import annotations

import os
from pathlib import Path

from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.commands.probe import records
from shellplay.playground.playground import Playground
from shellplay.refusal.probe import probe
from shellplay.views.probe import matrix

PAGE = Path(__file__).parents[2] / "docs" / "probes.md"
MARK = "<!-- python -m tests.refusal.matrix writes the rest -->\n"
FENCES = ("user", "pid", "net", "mnt root", "proc", "sys", "dev", "caps", "seccomp",
          "userns-lock", "docker")  # fmt: skip


def main() -> None:
    """Make all experiments behind all fences, and write the table."""
    found = {}
    with Playground() as playground:
        for words in ("", *FENCES):
            container = playground.new()
            if words:
                for each in FenceWords("KIND", "").parse(words.split(), playground).fences:
                    container.fence(each)
            found[words or "no fence"] = records(probe(container.trials))
            playground.stop(container)
    system = os.uname()
    text = f"\nMeasured as root on Linux {system.release} ({system.machine}).\n\n"
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + text + matrix(found))


if __name__ == "__main__":
    main()
