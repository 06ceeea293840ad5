"""Turn commands of a session into steps that will pass again, and write them to a recipe."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from shellplay.container.container import Container
from shellplay.playground.playground import Playground
from shellplay.recipe import tag
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Actor, Conditions, Expected, Header, Step
from shellplay.recipe.line import ANY_LINES
from shellplay.stage.record.expectations import Performed, expected
from shellplay.stage.record.recipe_file import RecipeFile
from shellplay.stage.record.values import State, Values

# A step that took longer than this gets a timeout of its own: the usual one, and this factor
# times its duration.
SLOW_SECONDS = 1.5
TIMEOUT_FACTOR = 4
EVENTUALLY_SECONDS = 5.0
IDLE_SECONDS = 10.0
# ps(1) only lists processes. One of them may be about to end, so the step is repeated.
LISTING = re.compile(r"ps(?: [\w,-]+)*")
ANYTHING = (Expected(ANY_LINES),)


class StepWriter:
    """Writes steps to a recipe file; it knows the names that earlier steps bind.

    ``steps`` is the number of steps written.
    """

    def __init__(self, recipe_file: RecipeFile, playground: Playground, scratch: str) -> None:
        self._recipe_file = recipe_file
        self._playground = playground
        self._values = Values(scratch)
        self._bindings = Bindings()
        self._notices: list[str] = []
        self.steps = 0

    def remember(self, notice: str) -> None:
        """Keep a notice; it is written after the output of the next step."""
        self._notices.append(notice)

    def write_step(
        self,
        performed: Performed,
        *,
        since: int,
        eventually: bool = False,
        anything: bool = False,
    ) -> None:
        """Write a performed step.

        - ``since``: the last PID that the kernel assigned before the step.
        - ``eventually``: the step may be repeated until it matches.
        - ``anything``: its output is different each time, so expect any lines.
        """
        notices, self._notices = self._notices, []
        output = performed.output + "".join(f"{each}\n" for each in notices)
        performed = replace(performed, output=output)
        self._values.learn(State.of(self._playground, since))
        if tag.names_in(performed.text):
            self._recipe_file.refuse(performed.text)
            return
        text = self._command_with_tags(performed.text, performed.namespace)
        found, after = (
            (ANYTHING, self._bindings)
            if anything
            else expected(performed, self._values, self._bindings)
        )
        timeout = math.ceil(Header().timeout + TIMEOUT_FACTOR * performed.seconds)
        conditions = Conditions(
            timeout=float(timeout) if performed.seconds > SLOW_SECONDS else None,
            eventually=EVENTUALLY_SECONDS if eventually or LISTING.fullmatch(text) else None,
        )
        actor, container, status = performed.actor, performed.container, performed.status
        self._write(Step(actor, text, container, conditions, found, status), after)

    def write_skipped(
        self, actor: Actor, text: str, container: str | None, reason: str
    ) -> None:
        """Write a step with ``% skip``, which is not performed again."""
        conditions = Conditions(skip=reason)
        command = self._command_with_tags(text)
        self._write(Step(actor, command, container, conditions), self._bindings)

    def write_setting(self, name: str, value: str) -> None:
        """Write a step that sets a setting."""
        step = Step(Actor.PLAY, f"set {name} {value}", expected=ANYTHING)
        self._write(step, self._bindings)

    def write_size(self, container: str | None, columns: int, rows: int) -> None:
        """Write a step that sets the size of a terminal with stty(1)."""
        text = f"stty columns {columns} rows {rows}"
        self._write(Step(Actor.IN, text, container), self._bindings)

    def write_keys(self, text: str) -> None:
        """Write a step that presses keys on the terminal of the live bash."""
        self._write(Step(Actor.KEY, text), self._bindings)

    def await_prompt(self, container: str | None) -> None:
        """Write a step that waits for the prompt of bash: a step of keys does not wait."""
        self._recipe_file.remark("until bash is at its prompt again")
        conditions = Conditions(eventually=IDLE_SECONDS)
        self._write(Step(Actor.IN, ":", container, conditions), self._bindings)

    def write_unseen(self) -> None:
        """Write a comment in the place of text that was typed without echo."""
        self._recipe_file.remark("what was typed without echo is not recorded")

    def performed(
        self, actor: Actor, text: str, output: str, status: int, *, container: Container | None
    ) -> Performed:
        """Return a performed step with the facts of its container; None: no container."""
        fences = container.fences() if container and not container.dead else ()
        records = {each.fence: each for each in fences}
        pid, mounts = records.get("pid"), records.get("mnt")
        return Performed(
            actor,
            text,
            output,
            status,
            namespace=f"{pid.shell}/{container.pid}/" if container and pid and pid.up else "",
            is_alone=bool(pid and pid.up and mounts and mounts.up),
        )

    def _command_with_tags(self, text: str, namespace: str = "") -> str:
        """Return a command with tags for known values; keep it as typed text."""
        command = self._values.insert_tags(text, self._bindings, namespace)
        self._values.typed.append(command)
        return command

    def _write(self, step: Step, after: Bindings) -> None:
        if self._recipe_file.add(step, self._bindings):
            self._bindings = after
            self.steps += 1
