"""A whole recipe performed on a stage and compared with what it expects."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shellplay.cast.events import Heading, Output, Pause
from shellplay.commands.requirements import lacking
from shellplay.errors import RecipeError, UsageError
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.bless import update_expectation
from shellplay.recipe.document import Actor, Block, Direction, Part, Prose, Recipe, Step
from shellplay.recipe.match import difference, match
from shellplay.stage.perform.narration import told
from shellplay.stage.perform.stage import Outcome, Stage
from shellplay.stage.record.value_tags import Knowledge, tagged
from shellplay.stage.report.report import Report, StepReport, Verdict

AGAIN_SECONDS = 0.05
# For a sentence about something that happened by itself, as the end of a bash.
NOTICE_SECONDS = 2.0
# What steps that are run always get together, once the time of the recipe is up.
LAST_SECONDS = 5.0
CLEAR = "\x1b[H\x1b[2J"

OnStep = Callable[[Step], None]
OnReport = Callable[[StepReport], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """One attempt of a step: what came, and the bindings then if that is as expected."""

    outcome: Outcome
    output: str
    bindings: Bindings | None


class Performance:
    """One performance of a recipe; ``run`` performs it and returns how it went.

    ``on_step`` hears of every step before it is performed.  With ``to_the_end`` a step
    that differs does not end it.  ``outputs`` has, afterwards, what came of each step, by
    its line, and ``known`` what the playground knew then.

    With ``on_report`` it is a demonstration: every report goes there, nothing is kept, so
    that it may be of any length, and nothing that is not as expected ends it.
    """

    def __init__(
        self,
        recipe: Recipe,
        stage: Stage,
        *,
        on_step: OnStep | None = None,
        on_report: OnReport | None = None,
        to_the_end: bool = False,
    ) -> None:
        self.recipe = recipe
        self.stage = stage
        self.bindings = Bindings()
        self.outputs: dict[int, tuple[str, int]] = {}
        self.known: dict[int, Knowledge] = {}
        self._on_step = on_step
        self._on_report = on_report
        self._to_the_end = to_the_end
        self._steps: list[StepReport] = []
        self._notices: list[str] = []
        self._terminals: dict[str, str] = {}

    def run(self) -> Report:
        """Perform everything, in order; nothing of it raises but an end from outside."""
        began = time.monotonic()
        self._deadline = began + self.recipe.header.total_timeout
        failed: StepReport | None = None
        for part in self.recipe.parts:
            if not failed:
                self._present(part)
            for step in part.items if isinstance(part, Block) else ():
                if isinstance(step, Step) and (not failed or step.conditions.always):
                    report = self._step(step, last=failed is not None)
                    self._keep(report)
                    if step.conditions.pause is not None:
                        self.stage.emit(Pause(self.stage.now, step.conditions.pause))
                    failed = failed or self._failure(report)
                    if failed is report:
                        # Steps that are performed always may end what it was about.
                        self._terminals = self.stage.tails()
        return self._report(failed, time.monotonic() - began)

    def _present(self, part: Part) -> None:
        """Tell prose, and follow a direction."""
        match part:
            case Prose():
                for event in told(part, self.stage.now):
                    if isinstance(event, Heading) or not self.stage.hidden:
                        self.stage.emit(event)
            case Direction(name="pause", seconds=seconds):
                self.stage.emit(Pause(self.stage.now, seconds))
            case Direction(name="clear"):
                self.stage.emit(Output(self.stage.now, CLEAR))
            case Direction(name="type", seconds=seconds):
                self.stage.pace = seconds
            case Direction(name=name):
                self.stage.hidden = name == "hide"

    def _keep(self, report: StepReport) -> None:
        if self._on_report is None:
            self._steps.append(report)
        else:
            self._on_report(report)

    def _failure(self, report: StepReport) -> StepReport | None:
        if self._on_report or report.verdict in (Verdict.PASSED, Verdict.SKIPPED):
            return None
        return None if self._to_the_end and report.verdict is Verdict.DIFFERED else report

    def _report(self, failed: StepReport | None, seconds: float) -> Report:
        failed = failed or next((s for s in self._steps if s.verdict is Verdict.DIFFERED), None)
        performed = any(step.verdict is not Verdict.SKIPPED for step in self._steps)
        skipped = bool(self._steps) and not performed
        usual = Verdict.SKIPPED if skipped else Verdict.PASSED
        return Report(
            path=self.recipe.path,
            title=self.recipe.header.title,
            verdict=failed.verdict if failed else usual,
            reason=failed.reason if failed else ("all steps are skipped" if skipped else ""),
            line=failed.line if failed else 0,
            seconds=seconds,
            steps=tuple(self._steps),
            bindings=tuple((name, b.value, b.line) for name, b in self.bindings.items()),
            terminals=tuple(self._terminals.items()),
        )

    # -- one step ------------------------------------------------------------------------

    def _step(self, step: Step, *, last: bool) -> StepReport:
        named = (
            step.actor.replace(">", f"[{step.container}]>") if step.container else step.actor
        )
        report = StepReport(step.line, str(named), step.text, Verdict.SKIPPED)
        if last:
            self._deadline = max(self._deadline, time.monotonic() + LAST_SECONDS)
        if step.conditions.skip is not None:
            return replace(report, reason=step.conditions.skip)
        try:
            if why := lacking(step.conditions.only):
                return replace(report, reason=why)
            text = self.bindings.substitute(step.text)
        except UsageError as error:
            return replace(report, verdict=Verdict.BAD, reason=str(error))
        if self._on_step:
            self._on_step(step)
        began = time.monotonic()
        report = replace(report, text=text)
        try:
            compared = self._until_as_expected(step, text)
            seconds = time.monotonic() - began
            return self._judged(replace(report, seconds=seconds), step, compared)
        except RecipeError as error:
            # What is expected cannot be compared with what came: too many ways to try.
            return replace(report, verdict=Verdict.BAD, reason=str(error))

    def _judged(self, report: StepReport, step: Step, compared: Compared) -> StepReport:
        outcome = compared.outcome
        before, after = self.bindings, compared.bindings
        if self._on_report is None:
            self.outputs[step.line] = (compared.output, outcome.status)
        if self._to_the_end:
            self.known[step.line] = self._go_on(step, compared.output)
        elif self._on_report and after is None:
            self._go_on(step, compared.output)
        if after is not None:
            self.bindings = after
            return replace(report, verdict=Verdict.PASSED)
        lines = list(_difference(step, compared.output, before))
        if outcome.timed_out:
            reason, verdict = self._over(step), Verdict.TIMED_OUT
        else:
            reason, verdict = _in_words(step, outcome), Verdict.DIFFERED
            if outcome.status != step.status:
                lines += [f"-[{step.status}]", f"+[{outcome.status}]"]
        return replace(report, verdict=verdict, reason=reason, difference=tuple(lines))

    def _over(self, step: Step) -> str:
        if time.monotonic() > self._deadline:
            total = self.recipe.header.total_timeout
            return f"the {total:g} seconds of the whole recipe are over"
        return f"it went on after {self._patience(step):g} seconds, so it was interrupted"

    def _go_on(self, step: Step, output: str) -> Knowledge:
        """Bind what can be bound of an output that differs: later steps may use it."""
        known = Knowledge.of(self.stage.playground)
        _, self.bindings = update_expectation(
            step, output, self.bindings, lambda line: tagged(line, known)
        )
        return known

    def _until_as_expected(self, step: Step, text: str) -> Compared:
        patience = step.conditions.eventually
        deadline = time.monotonic() + (patience or 0.0)
        while patience is not None:
            # Nobody wants to see the attempts that came too early.
            with self.stage.held() as events:
                compared = self._attempt(step, text)
            over = time.monotonic() > min(deadline, self._deadline)
            if compared.bindings is not None or compared.outcome.timed_out or over:
                for event in events:
                    self.stage.emit(event)
                return compared
            time.sleep(AGAIN_SECONDS)
        return self._attempt(step, text)

    def _attempt(self, step: Step, text: str) -> Compared:
        outcome = self.stage.perform(
            step,
            text,
            timeout=self._seconds(step),
            enough=lambda output: self._matched(step, output) is not None,
        )
        if outcome.timed_out and step.actor is not Actor.KEY:
            return Compared(outcome, outcome.output, None)
        if outcome.timed_out:
            # It waited for what was expected: that has not come, and nothing hangs.
            outcome = replace(outcome, timed_out=False, status=step.status)
        return self._compared(step, outcome)

    def _compared(self, step: Step, outcome: Outcome) -> Compared:
        """Compare an output, with notices behind it and without, also with late ones."""
        deadline = time.monotonic() + NOTICE_SECONDS
        new = list(outcome.notices)
        while True:
            # Nobody can say when a notice comes: it may stand in a step, or be missing.
            old = self._notices
            for notices, left in (([], [*old, *new]), (new, old), ([*old, *new], [])):
                output = _told(outcome, notices)
                bindings = self._matched(step, output)
                if bindings is not None and outcome.status == step.status:
                    self._notices = left
                    return Compared(outcome, output, bindings)
            late = self.stage.playground.notices()
            if not late and not self._may_come(step, outcome, deadline):
                self._notices += new
                return Compared(outcome, _told(outcome, new), None)
            new += late

    def _may_come(self, step: Step, outcome: Outcome, deadline: float) -> bool:
        if outcome.status != step.status or step.conditions.eventually is not None:
            return False
        if len(outcome.output.splitlines()) >= len(step.expected):
            return False
        time.sleep(AGAIN_SECONDS)
        return time.monotonic() < deadline

    def _matched(self, step: Step, output: str) -> Bindings | None:
        if step.actor is Actor.KEY and not step.expected:
            return self.bindings
        distinct = step.conditions.distinct
        return match(step.expected, output, self.bindings, distinct=distinct)

    def _seconds(self, step: Step) -> float:
        return max(0.001, min(self._patience(step), self._deadline - time.monotonic()))

    def _patience(self, step: Step) -> float:
        return step.conditions.timeout or self.recipe.header.timeout


def _told(outcome: Outcome, notices: Sequence[str]) -> str:
    return outcome.output + "".join(f"{each}\n" for each in notices)


def _in_words(step: Step, outcome: Outcome) -> str:
    if outcome.status != step.status:
        return f"exit status {outcome.status} came, {step.status} was expected"
    if step.conditions.eventually is not None:
        return f"not as expected for {step.conditions.eventually:g} seconds"
    return "another output came than was expected"


def _difference(step: Step, output: str, bindings: Bindings) -> Sequence[str]:
    return difference(step.expected, output, bindings, distinct=step.conditions.distinct)
