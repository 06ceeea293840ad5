"""One recipe in a process of its own, in which one fence does nothing and nobody says so.

``python -m tests.mutations.mutant KIND RECIPE`` prints a Finding; with ``-`` as KIND every
fence is as it should be.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shellplay.commands.requirements import unmet
from shellplay.container import apply
from shellplay.container.applier import Applier
from shellplay.fences import REGISTRY, Namespace
from shellplay.fences.root import Root
from shellplay.model import Change, How, ShellIdentity
from shellplay.recipe.document import Actor, Recipe, Step
from shellplay.stage.perform.performance import Performance
from shellplay.stage.perform.stage import Stage
from shellplay.stage.recipe_files import read
from shellplay.stage.report.report import StepReport, Verdict

NONE = "-"
# What applies and removes fences, in any of the families.
CALLS = ("unshare", "configure", "enter", "apply", "remove", "clean_up", "mount", "unmount")
# A disabled fence stays disabled, so the wait may be shorter than that of a recipe.
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result: the verdict, and the step whose output from the system differed."""

    verdict: Verdict
    step: str = ""
    reason: str = ""


def disable(kind: str) -> None:
    """Disable a fence in this process, while the engine reports that it is up."""
    patch = pytest.MonkeyPatch()
    fence = REGISTRY[kind]
    for call in CALLS:
        if hasattr(fence, call):
            patch.setattr(fence, call, lambda *_, **__: None)
    # The check that the kernel shows the fence is disabled, too.
    patch.setattr(fence, "observed", lambda *_: None)
    if issubclass(fence, Namespace):
        patch.setattr(fence, "flag", 0)
    # What it comes off to is where it was all the time.
    if issubclass(fence, Root):
        patch.setattr(
            fence, "unshare", lambda each, caller: each.lower_tree.leave_from(caller.pid)
        )
    # A fresh /proc would be mounted over the host's.
    if kind == "mnt":
        patch.setattr(apply, "mount_proc", lambda _: None)
    look = Applier.change

    def claim(
        applier: Applier, verb: str, changed: str, how: How, *, before: ShellIdentity
    ) -> Change:
        """Return what happened, with a namespace that is not there."""
        change = look(applier, verb, changed, how, before=before)
        if (verb, changed) != ("fence", kind) or change.namespace is None:
            return change
        return change.changed(namespace=change.namespace.changed(inode=1))

    patch.setattr(Applier, "change", claim)


class Doubting(Performance):
    """A performance in which shellplay may say what it likes: only the world is believed.

    It ends at the first step from inside or on the host that differs.
    """

    def __init__(self, recipe: Recipe, stage: Stage) -> None:
        super().__init__(recipe, stage, keep_going=True)

    def _failure(self, report: StepReport) -> StepReport | None:
        differed = report.verdict is Verdict.DIFFERED and not _said_by_shellplay(report)
        return report if differed else super()._failure(report)

    def _step(self, step: Step, *, after_failure: bool) -> StepReport:
        if step.conditions.eventually is not None:
            patient = replace(step.conditions, eventually=PATIENCE_SECONDS)
            step = replace(step, conditions=patient)
        return super()._step(step, after_failure=after_failure)


def _said_by_shellplay(report: StepReport) -> bool:
    return report.actor == Actor.PLAY


def find(recipe: Recipe, kind: str) -> Finding:
    """Perform a recipe, with a fence disabled unless ``kind`` is NONE."""
    if why := unmet(recipe.header):
        return Finding(Verdict.SKIPPED, reason=why)
    if kind == NONE:
        with Stage(recipe.header) as stage:
            report = Performance(recipe, stage).run()
    else:
        disable(kind)
        with Stage(recipe.header) as stage:
            report = Doubting(recipe, stage).run()
    for step in report.steps:
        believed = kind == NONE or not _said_by_shellplay(step)
        if step.verdict is Verdict.DIFFERED and believed:
            return Finding(report.verdict, f"line {step.line}, {step.actor} {step.text}")
    return Finding(report.verdict, reason=report.reason)


if __name__ == "__main__":
    _, kind, path = sys.argv
    print(json.dumps(dataclasses.asdict(find(read(Path(path)).recipe, kind))))
