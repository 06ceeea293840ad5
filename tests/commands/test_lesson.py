"""What a person reads after a fence: its effect, a line to try, and the line that undoes it."""

from __future__ import annotations

import io

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.index import COMMANDS
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.fences import KINDS, ORDER, REGISTRY
from shellplay.fences.index import FENCES
from shellplay.playground.playground import Playground


class Person(Batch):
    """A front end with a person behind it, who can be asked."""

    asks = True


def told(playground: Playground, line: str, front: type[Batch] = Person) -> tuple[int, str]:
    """Run a line; return its status, and what was printed."""
    out = io.StringIO()
    printer = Printer(out, out, color=False)
    return Interpreter(playground, printer, front(printer)).run(line), out.getvalue()


def test_a_person_reads_the_effect_a_line_to_try_and_the_undo_of_all_fences(
    playground: Playground,
) -> None:
    playground.new("web")
    status, said = told(playground, "fence uts ipc")
    assert status == 0
    lines = said.splitlines()
    assert lines[1] == f"  {FENCES['uts'].effect}"
    assert lines[3:] == [f"  {FENCES['ipc'].effect}", "  try: in ipcs    undo: peel ipc uts"]
    assert told(playground, "peel ipc uts")[0] == 0


def test_a_program_reads_neither(playground: Playground) -> None:
    playground.new("web")
    _, said = told(playground, "fence uts", Batch)
    assert "try:" not in said
    assert FENCES["uts"].effect not in said


@pytest.mark.parametrize("kind", ORDER)
def test_each_fence_has_a_line_to_try_that_is_a_command(kind: str) -> None:
    assert REGISTRY[kind].trial.split()[0] in COMMANDS


@pytest.mark.everyone
def test_the_lines_to_try_behind_a_namespace_work(playground: Playground) -> None:
    playground.new("web")
    for kind in KINDS:
        playground.new().fence(REGISTRY[kind].parse({}))
        status, said = told(playground, REGISTRY[kind].trial)
        assert status == 0, said
