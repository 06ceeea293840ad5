"""Perform a whole recipe on a stage, and compare each output with the expected lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shellplay.cast.events import Heading, Output, Pause
from shellplay.cast.narration import narrate
from shellplay.commands.requirements import lacking
from shellplay.errors import RecipeError, UsageError
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.bless import update_expectation
from shellplay.recipe.document import Actor, Block, Direction, Part, Prose, Recipe, Step
from shellplay.recipe.match import difference, match
from shellplay.stage.perform.stage import Outcome, Stage
from shellplay.stage.record.value_tags import KnownValues, tag_values
from shellplay.stage.report.report import Report, StepReport, Verdict

RETRY_SECONDS = 0.05
# How long to wait for an expected notice, as that a bash has ended.
NOTICE_SECONDS = 2.0
# The time for all steps with ``% always`` together, after the time of the recipe is over.
ALWAYS_SECONDS = 5.0
CLEAR = "\x1b[H\x1b[2J"

OnStep = Callable[[Step], None]
OnReport = Callable[[StepReport], None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step: its output, and the bindings after it.

    ``bindings`` is None if the output or the exit status is not as expected.
    """

    outcome: Outcome
    output: str
    bindings: Bindings | None


class Performance:
    """One performance of a recipe on a stage; `run` performs it.

    - ``on_step`` is called with each step before it is performed.
    - With ``keep_going``, a step that differs does not end the performance.
    - With ``on_report``, the performance is a demonstration.  Each report of a step goes to
      ``on_report`` and is not kept, so a demonstration can be of any length.  No failure
      ends it.

    After `run`, two dictionaries have the line of each performed step as key: ``outputs``
    has its output and exit status.  ``known`` has the values known after it, but only with
    ``keep_going``.
    """

    def __init__(
        self,
        recipe: Recipe,
        stage: Stage,
        *,
        on_step: OnStep | None = None,
        on_report: OnReport | None = None,
        keep_going: bool = False,
    ) -> None:
        self.recipe = recipe
        self.stage = stage
        self.bindings = Bindings()
        self.outputs: dict[int, tuple[str, int]] = {}
        self.known: dict[int, KnownValues] = {}
        self._on_step = on_step
        self._on_report = on_report
        self._keep_going = keep_going
        self._steps: list[StepReport] = []
        self._notices: list[str] = []
        self._terminals: dict[str, str] = {}

    def run(self) -> Report:
        """Perform the whole recipe in order, and return the report.

        Errors of steps are reported, not raised.  Raises `KeyboardInterrupt` for the user's ^C.
        """
        began = time.monotonic()
        self._deadline = began + self.recipe.header.total_timeout
        failed: StepReport | None = None
        for part in self.recipe.parts:
            if not failed:
                self._present(part)
            for step in part.items if isinstance(part, Block) else ():
                if isinstance(step, Step) and (not failed or step.conditions.always):
                    report = self._step(step, after_failure=failed is not None)
                    self._keep(report)
                    if step.conditions.pause is not None:
                        self.stage.emit(Pause(self.stage.now, step.conditions.pause))
                    failed = failed or self._failure(report)
                    if failed is report:
                        # Read the terminals now: a later step with `% always` may end the
                        # containers.
                        self._terminals = self.stage.terminal_tails()
        return self._report(failed, time.monotonic() - began)

    def _present(self, part: Part) -> None:
        """Emit the events of prose, or carry out a direction."""
        match part:
            case Prose():
                for event in narrate(part, self.stage.now):
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
        return None if self._keep_going and report.verdict is Verdict.DIFFERED else report

    def _report(self, failed: StepReport | None, seconds: float) -> Report:
        failed = failed or next((s for s in self._steps if s.verdict is Verdict.DIFFERED), None)
        performed = any(step.verdict is not Verdict.SKIPPED for step in self._steps)
        skipped = bool(self._steps) and not performed
        verdict = Verdict.SKIPPED if skipped else Verdict.PASSED
        return Report(
            path=self.recipe.path,
            title=self.recipe.header.title,
            verdict=failed.verdict if failed else verdict,
            reason=failed.reason if failed else ("all steps are skipped" if skipped else ""),
            line=failed.line if failed else 0,
            seconds=seconds,
            steps=tuple(self._steps),
            bindings=tuple((name, b.value, b.line) for name, b in self.bindings.items()),
            terminals=tuple(self._terminals.items()),
        )

    # -- one step ------------------------------------------------------------------------

    def _step(self, step: Step, *, after_failure: bool) -> StepReport:
        report = StepReport(step.line, step.actor_text, step.text, Verdict.SKIPPED)
        if after_failure:
            self._deadline = max(self._deadline, time.monotonic() + ALWAYS_SECONDS)
        if step.conditions.skip is not None:
            return replace(report, reason=step.conditions.skip)
        try:
            if reason := lacking(step.conditions.only):
                return replace(report, reason=reason)
            text = self.bindings.substitute(step.text)
        except UsageError as error:
            return replace(report, verdict=Verdict.BAD, reason=str(error))
        if self._on_step:
            self._on_step(step)
        began = time.monotonic()
        report = replace(report, text=text)
        try:
            attempt = self._attempt_until_expected(step, text)
            seconds = time.monotonic() - began
            return self._judge(replace(report, seconds=seconds), step, attempt)
        except RecipeError as error:
            # There are too many ways to match the output with the expected lines.
            return replace(report, verdict=Verdict.BAD, reason=str(error))

    def _judge(self, report: StepReport, step: Step, attempt: Attempt) -> StepReport:
        """Return the report with its verdict; keep the output and the bindings."""
        outcome = attempt.outcome
        before, after = self.bindings, attempt.bindings
        if self._on_report is None:
            self.outputs[step.line] = (attempt.output, outcome.status)
        if self._keep_going:
            self.known[step.line] = self._bind_despite_difference(step, attempt.output)
        elif self._on_report and after is None:
            self._bind_despite_difference(step, attempt.output)
        if after is not None:
            self.bindings = after
            return replace(report, verdict=Verdict.PASSED)
        lines = list(_difference(step, attempt.output, before))
        if outcome.timed_out:
            reason, verdict = self._timeout_reason(step), Verdict.TIMED_OUT
        else:
            reason, verdict = _difference_reason(step, outcome), Verdict.DIFFERED
            if outcome.status != step.status:
                lines += [f"-[{step.status}]", f"+[{outcome.status}]"]
        return replace(report, verdict=verdict, reason=reason, difference=tuple(lines))

    def _timeout_reason(self, step: Step) -> str:
        if time.monotonic() > self._deadline:
            total = self.recipe.header.total_timeout
            return f"the {total:g} seconds of the whole recipe are over"
        return f"it went on after {self._step_timeout(step):g} seconds, so it was interrupted"

    def _bind_despite_difference(self, step: Step, output: str) -> KnownValues:
        """Bind all names of an output that differs, for later steps; return known values."""
        known = KnownValues.of(self.stage.playground)
        _, self.bindings = update_expectation(
            step, output, self.bindings, lambda line: tag_values(line, known)
        )
        return known

    def _attempt_until_expected(self, step: Step, text: str) -> Attempt:
        """Perform a step; with ``% eventually``, again and again until it is as expected."""
        seconds = step.conditions.eventually
        deadline = time.monotonic() + (seconds or 0.0)
        while seconds is not None:
            # Only the events of the last attempt are emitted.
            with self.stage.held_back() as events:
                attempt = self._attempt(step, text)
            over = time.monotonic() > min(deadline, self._deadline)
            if attempt.bindings is not None or attempt.outcome.timed_out or over:
                for event in events:
                    self.stage.emit(event)
                return attempt
            time.sleep(RETRY_SECONDS)
        return self._attempt(step, text)

    def _attempt(self, step: Step, text: str) -> Attempt:
        outcome = self.stage.perform(
            step,
            text,
            timeout=self._remaining_seconds(step),
            enough=lambda output: self._match(step, output) is not None,
        )
        if outcome.timed_out and step.actor is not Actor.KEY:
            return Attempt(outcome, outcome.output, None)
        if outcome.timed_out:
            # A step of keys waits for the expected output. A timeout means that the output
            # differs; no program hangs.
            outcome = replace(outcome, timed_out=False, status=step.status)
        return self._compare(step, outcome)

    def _compare(self, step: Step, outcome: Outcome) -> Attempt:
        """Compare an output with the expected lines: alone, then with notices after it."""
        deadline = time.monotonic() + NOTICE_SECONDS
        new = list(outcome.notices)
        while True:
            # The time of a notice is not certain. So the expected lines may contain the
            # notices of this step, also those of earlier steps, or none.
            old = self._notices
            for notices, left in (([], [*old, *new]), (new, old), ([*old, *new], [])):
                output = _with_notices(outcome, notices)
                bindings = self._match(step, output)
                if bindings is not None and outcome.status == step.status:
                    self._notices = left
                    return Attempt(outcome, output, bindings)
            late = self.stage.playground.notices()
            if not late and not self._may_expect_notice(step, outcome, deadline):
                self._notices += new
                return Attempt(outcome, _with_notices(outcome, new), None)
            new += late

    def _may_expect_notice(self, step: Step, outcome: Outcome, deadline: float) -> bool:
        """Wait a moment, and return whether a missing line may be a notice that comes late."""
        if outcome.status != step.status or step.conditions.eventually is not None:
            return False
        if len(outcome.output.splitlines()) >= len(step.expected):
            return False
        time.sleep(RETRY_SECONDS)
        return time.monotonic() < deadline

    def _match(self, step: Step, output: str) -> Bindings | None:
        if step.actor is Actor.KEY and not step.expected:
            return self.bindings
        distinct = step.conditions.distinct
        return match(step.expected, output, self.bindings, distinct=distinct)

    def _remaining_seconds(self, step: Step) -> float:
        return max(0.001, min(self._step_timeout(step), self._deadline - time.monotonic()))

    def _step_timeout(self, step: Step) -> float:
        return step.conditions.timeout or self.recipe.header.timeout


def _with_notices(outcome: Outcome, notices: Sequence[str]) -> str:
    return outcome.output + "".join(f"{each}\n" for each in notices)


def _difference_reason(step: Step, outcome: Outcome) -> str:
    if outcome.status != step.status:
        return f"exit status {outcome.status} came, {step.status} was expected"
    if step.conditions.eventually is not None:
        return f"not as expected for {step.conditions.eventually:g} seconds"
    return "another output came than was expected"


def _difference(step: Step, output: str, bindings: Bindings) -> Sequence[str]:
    return difference(step.expected, output, bindings, distinct=step.conditions.distinct)
