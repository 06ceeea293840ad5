"""Completion of a half-typed line, from the index of the commands and their parameters."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shellplay.cmdline.arguments import Argument, Candidate, Option
from shellplay.cmdline.index import ALIASES, COMMANDS
from shellplay.cmdline.registry import GRAMMAR, Command, find
from shellplay.cmdline.tokenizer import segments
from shellplay.errors import ShellplayError, UsageError
from shellplay.playground.playground import Playground


class Completion(NamedTuple):
    """One completion: ``text`` replaces the line from the column ``start``."""

    text: str
    start: int
    description: str


def complete(line: str, playground: Playground) -> list[Completion]:
    """Return the completions at the end of a line, the likeliest first.

    Candidates that begin with the typed letters come before candidates that contain them.
    """
    segment = segments(line, GRAMMAR, typing=True)[-1]
    if segment.rest is not None:
        return []
    typed = [word.text for word in segment.words]
    here, start = "", len(line)
    if segment.words and segment.words[-1].end == len(line):
        here, start = typed.pop(), segment.words[-1].start
    try:
        found = list(_candidates(typed, here, playground))
    except ShellplayError:
        # A half-typed line may name a container that does not exist.
        return []
    return [Completion(c.text, start, c.description) for c in ranked(found, here)]


def ranked(candidates: Iterable[Candidate], typed: str) -> list[Candidate]:
    """Return the candidates that contain the typed letters in their order; prefixes first."""
    wanted = typed.lower()
    distinct = {candidate.text: candidate for candidate in candidates}.values()
    begun = [c for c in distinct if c.text.lower().startswith(wanted)]
    rest = [c for c in distinct if c not in begun and _subsequence(wanted, c.text.lower())]
    return begun + rest


def _subsequence(wanted: str, text: str) -> bool:
    letters = iter(text)
    return all(letter in letters for letter in wanted)


def _candidates(typed: list[str], here: str, playground: Playground) -> Iterator[Candidate]:
    if not typed:
        yield from _names(here)
        return
    try:
        command = find(typed[0])
    except UsageError:
        return
    option = command.options.get(typed[-1])
    if option is not None and option[1].argument is not None:
        yield from option[1].argument.complete(typed[1:], here, playground)
        if option[1].otherwise is None:
            return
    argument, before = _argument(command, typed[1:])
    if argument is not None:
        yield from argument.complete(before, here, playground)
    if here.startswith("-") or argument is None:
        for spelling, (_, meaning) in command.options.items():
            yield Candidate(spelling, meaning.help)


def _names(here: str) -> Iterator[Candidate]:
    for name, entry in COMMANDS.items():
        yield Candidate(name, entry.summary)
    for alias, name in ALIASES.items():
        if here and alias.startswith(here):
            yield Candidate(alias, f"{name}: {COMMANDS[name].summary}")


def _argument(command: Command, typed: list[str]) -> tuple[Argument | None, list[str]]:
    """Return the argument that the next word belongs to, and the words it has already."""
    words: list[str] = []
    waiting: Option | None = None
    for word in typed:
        is_value = waiting is not None and waiting.takes(word)
        _, waiting = (None, None) if is_value else command.options.get(word, (None, None))
        if not is_value and waiting is None:
            words.append(word)
    used = 0
    for _, argument in command.arguments:
        if argument.arity != "one":
            return argument, words[used:]
        if used >= len(words):
            return argument, words
        if argument.takes(words[used]):
            used += 1
    return None, words
