"""``python -m tests.vm [OPTIONS] [PYTEST ARGUMENTS]``: runs tests on the second kernel."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.vm.image import NoImage, build, write_run
from tests.vm.machine import TIMED_OUT, boot
from tests.vm.processor import PROCESSORS

# The image has no linters: their result does not depend on the kernel.
PYTEST_OPTIONS = ["-p", "no:cacheprovider", "--ignore=tests/test_linters.py"]


def parser() -> argparse.ArgumentParser:
    """Return the parser of our options; all other words go to pytest."""
    options = argparse.ArgumentParser(prog="python -m tests.vm", description=__doc__)
    options.add_argument("--arch", default="amd64", choices=PROCESSORS, help="of the machine")
    options.add_argument("--yama", type=int, choices=range(4), default=1, help="ptrace_scope")
    options.add_argument("--ordinary", action="store_true", help="run all as uid 4242")
    # Not kvm by default: in a nested virtual machine it may exist and hang.
    options.add_argument("--accelerator", default="tcg", choices=["kvm", "tcg"])
    options.add_argument("--memory", type=int, default=4096, metavar="MIB")
    options.add_argument("--timeout", type=float, default=3600, metavar="SECONDS")
    return options


def main() -> int:
    """Build the image if needed, boot it, run pytest in it; return its exit status."""
    options, arguments = parser().parse_known_args()
    processor = PROCESSORS[options.arch]
    # An exception ends the machine and deletes its large files.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    settings = {"YAMA": str(options.yama), "AS": "ordinary" if options.ordinary else "root"}
    try:
        image = build(home / "shellplay" / "vm", processor)
    except NoImage as error:
        print(f"tests.vm: {error}", file=sys.stderr)
        return 1
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sp-vm-") as folder:
        run = Path(folder) / "run.cpio"
        write_run(run, settings, [*PYTEST_OPTIONS, *arguments])
        status = boot(
            processor,
            image,
            run,
            accelerator=options.accelerator,
            memory=options.memory,
            timeout=options.timeout,
        )
    if status == TIMED_OUT:
        print(f"tests.vm: stopped after {options.timeout:.0f} s", file=sys.stderr)
    print(f"tests.vm: exit {status} after {time.monotonic() - started:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
