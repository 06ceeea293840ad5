"""Makes steps of what has happened, so that they pass again, and has them written down."""

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
from shellplay.stage.record.expectations import Came, expected
from shellplay.stage.record.recipe_file import Manuscript
from shellplay.stage.record.values import Moment, Values

# A step that took so long gets a time of its own, and so much more of it.
SOON_SECONDS = 1.5
PATIENCE = 4
EVENTUALLY_SECONDS = 5.0
IDLE_SECONDS = 10.0
# What only looks at processes, some of which may be about to end.
LOOKING = re.compile(r"ps(?: [\w,-]+)*")
ANYTHING = (Expected(ANY_LINES),)


class Scribe:
    """Knows what was written down up to now, and so how the next step is to be said."""

    def __init__(self, manuscript: Manuscript, playground: Playground, scratch: str) -> None:
        self._manuscript = manuscript
        self._playground = playground
        self._values = Values(scratch)
        self._bindings = Bindings()
        self._notices: list[str] = []
        self.steps = 0

    def remember(self, notice: str) -> None:
        """Keep a notice: it stands behind the step that is written next."""
        self._notices.append(notice)

    def step(
        self, came: Came, *, since: int, eventually: bool = False, anything: bool = False
    ) -> None:
        """Write a step that came to an end; ``since`` is the PID given out before it.

        ``eventually`` says that it may be repeated, ``anything`` that what it prints is
        known to be another thing each time.
        """
        notices, self._notices = self._notices, []
        came = replace(came, output=came.output + "".join(f"{each}\n" for each in notices))
        self._values.learn(Moment.of(self._playground, since))
        if tag.names_in(came.text):
            self._manuscript.refuse(came.text)
            return
        text = self._said(came.text, came.namespace)
        found, after = (
            (ANYTHING, self._bindings)
            if anything
            else expected(came, self._values, self._bindings)
        )
        patience = math.ceil(Header().timeout + PATIENCE * came.seconds)
        conditions = Conditions(
            timeout=float(patience) if came.seconds > SOON_SECONDS else None,
            eventually=EVENTUALLY_SECONDS if eventually or LOOKING.fullmatch(text) else None,
        )
        self._write(
            Step(came.actor, text, came.container, conditions, found, came.status), after
        )

    def skipped(self, actor: Actor, text: str, container: str | None, reason: str) -> None:
        """Write a step that is not to be performed."""
        conditions = Conditions(skip=reason)
        self._write(Step(actor, self._said(text), container, conditions), self._bindings)

    def set(self, name: str, value: str) -> None:
        """Write down a setting that is not the usual one."""
        step = Step(Actor.PLAY, f"set {name} {value}", expected=ANYTHING)
        self._write(step, self._bindings)

    def resized(self, container: str | None, columns: int, rows: int) -> None:
        """Write that a terminal has another size now, in the way that a recipe can say it."""
        text = f"stty columns {columns} rows {rows}"
        self._write(Step(Actor.IN, text, container), self._bindings)

    def keys(self, text: str) -> None:
        """Write keys that are pressed on the terminal of the live bash."""
        self._write(Step(Actor.KEY, text), self._bindings)

    def await_prompt(self, container: str | None) -> None:
        """Write that bash is waited for: keys do not tell when it has done with them."""
        self._manuscript.remark("until bash is at its prompt again")
        conditions = Conditions(eventually=IDLE_SECONDS)
        self._write(Step(Actor.IN, ":", container, conditions), self._bindings)

    def unseen(self) -> None:
        """Write only that something was typed that nobody was to see."""
        self._manuscript.remark("what was typed without echo is not recorded")

    def came(
        self, actor: Actor, text: str, output: str, status: int, *, of: Container | None
    ) -> Came:
        """Return what has happened in a container, as it is there."""
        records = {} if of is None or of.dead else {each.fence: each for each in of.fences()}
        pid, mounts = records.get("pid"), records.get("mnt")
        return Came(
            actor,
            text,
            output,
            status,
            namespace=f"{pid.shell}/{of.pid}/" if of and pid and pid.up else "",
            is_alone=bool(pid and pid.up and mounts and mounts.up),
        )

    def _said(self, text: str, namespace: str = "") -> str:
        said = self._values.substituted(text, self._bindings, namespace)
        self._values.typed.append(said)
        return said

    def _write(self, step: Step, after: Bindings) -> None:
        if self._manuscript.add(step, self._bindings):
            self._bindings = after
            self.steps += 1
