"""Let each call fail on each way, and print what is not right.

``python -m tests.faults [--every N] [--way WAY...] [--kind KIND...] [--lasting]``, as root.
"""

from __future__ import annotations

import argparse
import sys

from tests.delegation import set_apart
from tests.faults.injector import KINDS
from tests.faults.ways import WAYS, calls_on, fault, own_tag


def main() -> int:
    """Run the sweep; return 1 if an end was not right."""
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    add = parser.add_argument
    add("--every", type=int, default=1, metavar="N", help="only each n-th call")
    add("--way", nargs="+", choices=WAYS, default=list(WAYS))
    add("--kind", nargs="+", choices=KINDS, default=list(KINDS))
    add("--lasting", action="store_true", help="all calls after it fail as well")
    options = parser.parse_args()
    own_tag()
    bad = 0
    with set_apart():
        for way in options.way:
            for kind in options.kind:
                calls = calls_on(way, kind)
                numbers = range(1, calls + 1, options.every)
                print(f"{way}: {kind}: {calls} calls", flush=True)
                for nth in numbers:
                    found = fault(way, kind, nth, lasting=options.lasting)
                    if found.wrong:
                        bad += 1
                        print(found, flush=True)
    print(f"{bad} ends were not right")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
