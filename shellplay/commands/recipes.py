"""recipes, replay, tour: list recipes, and replay one in a playground of its own."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

from shellplay.cmdline.arguments import Candidate, Option, Word
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.outcomes import Document, Outcome, Status
from shellplay.cmdline.registry import command
from shellplay.commands.completed_recipes import completed
from shellplay.errors import Refused, ShellplayError
from shellplay.kernel.terminal_modes import restored
from shellplay.playground.playground import Playground
from shellplay.recipe.shipped import Shipped, path_of, shipped

PACKAGE_ROOT = str(Path(__file__).parents[2])
# A process of its own: a replay cannot change the session that starts it.
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from shellplay.cli.nested_replay import within; "
    "sys.exit(within(int(sys.argv[2]), sys.argv[3:]))"
)


class RecipeName(Word):
    """The name of a shipped recipe, or a file."""

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the names, with their titles."""
        return (Candidate(each.name, str(_record(each, ())["title"])) for each in shipped())


@command("recipes", group="recipes", host=None, json=True, alone=True)
def recipes() -> Iterator[Outcome]:
    """List the recipes that come with shellplay: their length, their fences, what is done.

    MIN are the minutes of a replay at its usual speed, counted from what is typed and read.
    DONE has a mark for a recipe that you have seen to its end. HERE says whether this
    machine has all that it needs.

    Examples:
        recipes
        recipes --json
    """
    course = shipped()
    seen = completed([each.name for each in course])
    rows = [_record(each, seen) for each in course]

    def view() -> object:
        from shellplay.views.recipes import table

        return table(rows) if rows else "no recipes come with this shellplay"

    yield Document("recipes", lambda: rows, view)


@command("replay", group="recipes", host="performs another recipe")
def replay(
    playground: Playground,
    front: Front,
    recipe: Annotated[str, RecipeName("NAME|FILE", "a recipe, see recipes")],
    *,
    speed: Annotated[
        str | None, Option("so many times as fast", argument=Word("N", "a number"))
    ] = None,
    step: Annotated[bool, Option("wait for a key before each step")] = False,
    from_: Annotated[
        str | None,
        Option("do what is before it quickly", argument=Word("HEADING", "words of a heading")),
    ] = None,
    no_type: Annotated[bool, Option("show what is typed at once")] = False,
    yes: Annotated[bool, Option("run a recipe of a stranger without asking")] = False,
) -> Iterator[Outcome]:
    """Perform a recipe: it is told and typed, and Space goes on.

    It has a playground of its own; this one is not touched. t takes over its bash, and
    Ctrl-] gives it back; q quits, and ? shows the other keys. A recipe that does not come
    with shellplay shows what it will run, and asks.

    Examples:
        replay zombies
        replay --step --from 'on the host' zombies
        replay lessons/mine.play.md
    """
    words = [str(path_of(recipe).resolve())]
    words += ["--speed", speed] if speed is not None else []
    words += ["--from", from_] if from_ is not None else []
    chosen = {"--step": step, "--no-type": no_type, "--yes": yes}
    words += [word for word, on in chosen.items() if on]
    yield Status(_performed(playground, front, words))


@command("tour", group="recipes", host="performs another recipe", alone=True)
def tour(playground: Playground, front: Front) -> Iterator[Outcome]:
    """Perform the first recipe: what a container is, in a few minutes.

    Examples:
        tour
    """
    first = next(iter(shipped()), None)
    if first is None:
        raise Refused("no recipes come with this shellplay")
    yield Status(_performed(playground, front, [str(first.path)]))


def _record(each: Shipped, seen: Collection[str]) -> dict[str, object]:
    from shellplay.cast.length import minutes
    from shellplay.commands.requirements import unmet

    try:
        header, why, length = each.header, unmet(each.header), minutes(each.recipe)
        title, tags = header.title, list(header.tags)
    except ShellplayError as error:
        title, tags, why, length = "", [], str(error), None
    return {
        "number": int(each.number) if each.number else None,
        "name": each.name,
        "title": title,
        "tags": tags,
        "minutes": length,
        "completed": each.name in seen,
        "path": str(each.path),
        "why_not": why,
    }


def _performed(playground: Playground, front: Front, words: list[str]) -> int:
    """Run a replay on the terminal of this session and wait; return its exit status."""
    import subprocess

    from shellplay.kernel.rlimits import with_original_nofile

    program = [sys.executable, "-c", PROGRAM, PACKAGE_ROOT]
    if playground.settings.surroundings.output is not None:
        # Within a recipe the replay has no terminal, and is a child of the monitor.
        return playground.host(f"exec {shlex.join(program)} $PPID {shlex.join(words)}")
    stdin = None if front.terminal else subprocess.DEVNULL
    with (
        _left_alone(front),
        subprocess.Popen(
            with_original_nofile([*program, str(os.getpid()), *words]), stdin=stdin
        ) as process,
    ):
        try:
            status = process.wait()
        except BaseException:
            # SIGTERM, not SIGKILL: it has to restore the terminal and to end its playground.
            process.terminate()
            raise
    return status if status >= 0 else 128 - status


@contextmanager
def _left_alone(front: Front) -> Iterator[None]:
    """Leave ^C and ^Z to the replay in the block, and restore the terminal's modes."""
    interrupt = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    suspend = signal.signal(signal.SIGTSTP, lambda _number, _frame: None)
    try:
        with restored(sys.stdin.fileno()) if front.terminal else nullcontext():
            yield
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTSTP, suspend)
