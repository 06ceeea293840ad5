"""Argument types: each parses the words of an argument, and offers completions for it.

A parameter of a command function is ``Annotated[T, X]``: X is an argument type, T the type of
the value that it returns.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from shellplay.errors import UsageError
from shellplay.model import Value
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground

ZERO = re.compile(r"0+(\.0*)?s?")


class Candidate(Value):
    """One completion: the text to insert, and a description."""

    text: str
    description: str = ""


class Argument:
    """One positional argument; ``arity`` is its number of words, or ``rest`` for a raw tail."""

    arity: Literal["one", "many", "rest"] = "one"
    raw = False
    """Whether the options among its words are its own, and not options of the command."""

    def __init__(self, metavar: str, help: str) -> None:
        self.metavar = metavar
        self.help = help

    def takes(self, word: str) -> bool:
        """Return whether a word can belong to this argument."""
        return not word.startswith("-") or word == "-"

    def parse(self, words: Sequence[str], playground: Playground) -> object:
        """Return the value for the words; raises UsageError or Refused."""
        raise NotImplementedError

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer candidates for ``word``, after the words of this argument ``before`` it."""
        return iter(())


class Word(Argument):
    """One word, unchanged."""

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Return the word."""
        return words[0]


class Rest(Argument):
    """The raw tail: the rest of the line, unchanged."""

    arity = "rest"

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Return the tail; raises UsageError if it is empty."""
        if not words[0].strip():
            raise UsageError(f"{self.metavar} is empty")
        return words[0]


class Choice(Argument):
    """One of some words; ``choices`` maps each to its description."""

    def __init__(self, metavar: str, help: str, choices: dict[str, str]) -> None:
        super().__init__(metavar, help)
        self.choices = choices

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Return the word; raises UsageError if it is not one of the choices."""
        if words[0] in self.choices:
            return words[0]
        known = ", ".join(self.choices)
        fix = did_you_mean(words[0], self.choices, f"one of {known}")
        raise UsageError(f"{self.metavar} cannot be {quoted(words[0])}", fix)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the choices."""
        return (Candidate(*item) for item in self.choices.items())


class Seconds(Argument):
    """A duration in seconds."""

    def takes(self, word: str) -> bool:
        """Return whether a word begins like a number."""
        return word[:1].isdigit() or word[:1] == "."

    def parse(self, words: Sequence[str], playground: Playground) -> float:
        """Return a positive number of seconds; an ``s`` may follow it."""
        try:
            seconds = float(words[0].removesuffix("s"))
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e9:
            raise UsageError(f"{quoted(words[0])} is not a time span", "write seconds, as in 5")
        return seconds


class Grace(Seconds):
    """How long something may take before it is killed; -1 sets no limit, as in Docker."""

    def parse(self, words: Sequence[str], playground: Playground) -> float:
        """Return the number of seconds, 0 or more, infinity for -1."""
        if words[0] == "-1":
            return float("inf")
        return 0.0 if ZERO.fullmatch(words[0]) else super().parse(words, playground)


class Times(Argument):
    """A number of repetitions, from 1."""

    def parse(self, words: Sequence[str], playground: Playground) -> int:
        """Return the number; raises UsageError."""
        word = words[0]
        # The length bounds what int() has to read.
        if not word.isascii() or not word.isdigit() or len(word) > 9 or not int(word):
            raise UsageError(f"{quoted(word)} is not a number of times", "write one, as in 3")
        return int(word)


class ContainerName(Argument):
    """The name, id or unique id prefix of a container."""

    def parse(self, words: Sequence[str], playground: Playground) -> object:
        """Return the label of the container; raises Refused if it does not exist."""
        return playground.find(words[0]).label

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the containers."""
        for container in playground.containers:
            yield Candidate(container.label, f"container, bash {container.pid}")


class ContainerNames(ContainerName):
    """Zero or more containers."""

    arity = "many"

    def parse(self, words: Sequence[str], playground: Playground) -> object:
        """Return the label of each container, without repetitions."""
        return tuple(dict.fromkeys(playground.find(word).label for word in words))


class Option:
    """One option: a flag, or an option with a value if it has an ``argument``.

    ``otherwise`` is the value if none is given; without it the value is required.  If it is
    ``repeated``, its value is a list of all that are given.
    """

    def __init__(
        self,
        help: str,
        *,
        short: str | None = None,
        argument: Argument | None = None,
        otherwise: object = None,
        repeated: bool = False,
    ) -> None:
        self.help = help
        self.short = short
        self.argument = argument
        self.repeated = repeated
        self.otherwise = otherwise

    @property
    def metavar(self) -> str:
        """The name of its value, in brackets if the value is optional; "" for a flag."""
        if self.argument is None:
            return ""
        return self.argument.metavar if self.otherwise is None else f"[{self.argument.metavar}]"

    def takes(self, word: str) -> bool:
        """Return whether the word after the option is its value."""
        if self.argument is None:
            return False
        return self.otherwise is None or self.argument.takes(word)

    def spellings(self, name: str) -> tuple[str, ...]:
        """Return the spellings of the option for a parameter, the short one first."""
        long = "--" + name.strip("_").replace("_", "-")
        return (self.short, long) if self.short else (long,)


class Target:
    """The container that a command acts on: ``-c NAME``, else the current container.

    If there is none, it is created (``creates``), or the command gets None (``optional``), or
    the command is refused.  With ``positional`` a word without ``-c`` is its name, too.
    """

    argument = ContainerName("NAME", "a container: its name, id or the beginning of the id")
    option = Option("act on this container, not the current one", short="-c", argument=argument)

    def __init__(
        self, *, creates: bool = False, optional: bool = False, positional: bool = False
    ) -> None:
        self.creates = creates
        self.optional = optional
        self.positional = positional
