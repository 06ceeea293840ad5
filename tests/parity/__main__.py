"""``python -m tests.parity [SCENARIO...]``: prints how ``run`` differs from docker run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.parity import image
from tests.parity.compare import Difference, comparable, differences
from tests.parity.daemon import NoDocker, dockerd
from tests.parity.listed import PAGE, rows, unlisted, unseen
from tests.parity.scenarios import SCENARIOS
from tests.parity.sides import Docker, Shellplay, Side, ask, ends

ENDS = "ends"
NAMES = (*(scenario.name for scenario in SCENARIOS), ENDS)
SKIPPED = 80
WIDEST = 100


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    options.add_argument("scenario", nargs="*", metavar="SCENARIO", help=", ".join(NAMES))
    options.add_argument("--all", action="store_true", help="print what is listed, too")
    options.add_argument(
        "--itself", action="store_true", help="compare docker run with itself: nothing differs"
    )
    return options


def main() -> int:
    """Ask both sides; return 1 if they differ where docs/docker-parity.md does not say so."""
    options = parser().parse_args()
    if unknown := set(options.scenario) - set(NAMES):
        parser().error(
            f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}"
        )
    names = options.scenario or NAMES
    with tempfile.TemporaryDirectory(prefix="sp-parity-") as scratch:
        try:
            asked, found = _compared(Path(scratch), names, itself=options.itself)
        except NoDocker as error:
            print(f"tests.parity: skipped, there is no Docker to compare with: {error}")
            return SKIPPED
    known = [] if options.itself else rows(PAGE.read_text())
    new = unlisted(found, known)
    for difference in found if options.all else new:
        print(_line(difference))
    if set(names) == set(NAMES):
        for row in unseen(found, known):
            print(f"listed and not seen: {', '.join(row.questions)}")
    print(f"{asked} answers, {len(found)} differ, {len(new)} of them not in {PAGE.name}")
    return int(bool(new))


def _compared(
    scratch: Path, names: Sequence[str], *, itself: bool
) -> tuple[int, list[Difference]]:
    """Return how many questions were asked, and what differs."""
    tar = scratch / "image.tar"
    image.write(tar)
    asked, found = 0, []
    with dockerd(scratch) as daemon:
        docker = Docker(daemon, tar)
        ours: Side = docker if itself else Shellplay(tar, scratch / "store")
        for name in names:
            print(f"tests.parity: asking {name}", file=sys.stderr, flush=True)
            first, second = (dict(_answers(side, name)) for side in (docker, ours))
            asked += len({*first, *second})
            found += differences(name, first, second)
    return asked, found


def _answers(side: Side, name: str) -> Iterator[tuple[str, str]]:
    if name == ENDS:
        yield from ends(side).items()
        return
    scenario = next(each for each in SCENARIOS if each.name == name)
    yield from comparable(ask(side, scenario), side).items()


def _line(difference: Difference) -> str:
    theirs, ours = (repr(each)[1:-1][:WIDEST] for each in (difference.theirs, difference.ours))
    return f"{difference.scenario}: {difference.question}: docker {theirs}; shellplay {ours}"


if __name__ == "__main__":
    sys.exit(main())
