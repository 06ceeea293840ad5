"""``python -m tests.mutations [RECIPE...]``: each fence does nothing; which recipes notice?

The tags of a recipe say which fences it claims.  With one of them disabled a step of it
that looks at the world, from inside or from the host, has to differ; what shellplay says
does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from shellplay.fences import ORDER
from shellplay.kernel.here import HERE
from shellplay.kernel.net_interfaces import bring_up
from shellplay.recipe.document import Recipe
from shellplay.stage.recipe_files import find_recipes, read
from shellplay.stage.report.report import Verdict
from tests.mutations.mutant import NONE, Finding

RECIPES = str(Path(__file__).parents[2] / "recipes")
# A recipe whose fence does nothing does to the host what it would do inside: give it another
# name, for one.  So it gets a host of its own, as far as the user may do something to it.
SANDBOX = {
    "root": ("unshare", "--mount", "--uts", "--ipc", "--net"),
    "ordinary": ("unshare", "--user", "--map-current-user", "--ipc"),
}
INSIDE = "--inside"
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe, the fence that is disabled, and what was found."""

    name: str
    kind: str
    finding: Finding

    @property
    def good(self) -> bool | None:
        """Whether it is as it has to be: passed without a mutant, noticed with one."""
        if self.finding.verdict is Verdict.SKIPPED:
            return None
        if self.kind == NONE:
            return self.finding.verdict is Verdict.PASSED
        return bool(self.finding.step)

    def __str__(self) -> str:
        finding = self.finding
        if self.kind == NONE:
            said = f"{finding.verdict} {finding.step or finding.reason}"
        elif self.good is None:
            said = f"skipped: {finding.reason}"
        else:
            said = finding.step or f"NOT NOTICED {finding.reason}"
        return f"{self.name:30}  {self.kind:8}  {said}"


def try_all(recipes: Iterable[Recipe], at_once: int) -> Iterator[Trial]:
    """Perform each recipe as it is, and with each of the fences that it claims disabled."""
    jobs = [
        (recipe, kind)
        for recipe in recipes
        for kind in (NONE, *(tag for tag in recipe.header.tags if tag in ORDER))
    ]
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda job: _try(*job), jobs)


def _try(recipe: Recipe, kind: str) -> Trial:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutations.mutant", kind, recipe.path],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    name = Path(recipe.path).name.removesuffix(".play.md")
    if done.returncode:
        return Trial(name, kind, Finding(Verdict.BAD, reason=done.stderr[-2000:]))
    values = json.loads(done.stdout)
    return Trial(name, kind, Finding(**values | {"verdict": Verdict(values["verdict"])}))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    options.add_argument("recipes", nargs="*", default=[RECIPES], metavar="RECIPE")
    options.add_argument("-j", metavar="N", type=int, default=os.cpu_count() or 1)
    options.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    return options


def main() -> int:
    """Try all, print the table; return 1 unless each claim is true."""
    options = parser().parse_args()
    who = "ordinary" if os.geteuid() else "root"
    if not options.inside:
        command = [*SANDBOX[who], sys.executable, "-m", "tests.mutations", INSIDE]
        os.execvp(command[0], [*command, *sys.argv[1:]])
    if who == "root":
        bring_up(HERE, "lo")
    began = time.monotonic()
    recipes = [read(path).recipe for path in find_recipes(options.recipes)]
    print(f"{'RECIPE':30}  {'WITHOUT':8}  NOTICED BY")
    trials = []
    for trial in try_all(recipes, options.j):
        print(trial, flush=True)
        trials.append(trial)
    print("\n" + _summary(trials, time.monotonic() - began))
    return int(any(trial.good is False for trial in trials))


def _summary(trials: list[Trial], seconds: float) -> str:
    claims = [trial for trial in trials if trial.kind != NONE and trial.good is not None]
    noticed = sum(trial.good is True for trial in claims)
    claimed = {trial.kind for trial in trials}
    unclaimed = ", ".join(kind for kind in ORDER if kind not in claimed)
    return f"{noticed} of {len(claims)} claims are true, in {seconds:.0f} s" + (
        f"; no recipe claims {unclaimed}" if unclaimed else ""
    )


if __name__ == "__main__":
    sys.exit(main())
