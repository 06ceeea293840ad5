"""Argument types: how each kind of argument is parsed, and completed with descriptions.

A command's parameter is ``Annotated[T, X]`` with X one of these; T is what parsing gives.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from shellplay.errors import UsageError
from shellplay.model import Value
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground


class Candidate(Value):
    """One completion: the text to insert and what it is."""

    text: str
    description: str = ""


class Argument:
    """One positional argument; ``arity`` is how many words it takes, or the raw rest."""

    arity: Literal["one", "many", "rest"] = "one"
    raw = False
    """Whether options among its words are its own, and not of the command."""

    def __init__(self, metavar: str, help: str) -> None:
        self.metavar = metavar
        self.help = help

    def takes(self, word: str) -> bool:
        """Tell whether a word is meant for this argument."""
        return not word.startswith("-") or word == "-"

    def parse(self, words: Sequence[str], playground: Playground) -> object:
        """Make the value from its words; raises UsageError or Refused."""
        raise NotImplementedError

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer what can stand here, after the words before it."""
        return iter(())


class Word(Argument):
    """One word as it is typed."""

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Take the word."""
        return words[0]


class Rest(Argument):
    """The raw rest of the line, as typed."""

    arity = "rest"

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Take the line; an empty one is a UsageError."""
        if not words[0].strip():
            raise UsageError(f"{self.metavar} is empty")
        return words[0]


class Choice(Argument):
    """One of a few words, each with what it means."""

    def __init__(self, metavar: str, help: str, choices: dict[str, str]) -> None:
        super().__init__(metavar, help)
        self.choices = choices

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Take the word if it is one of the choices, else raise UsageError."""
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
    """A time span in seconds."""

    def takes(self, word: str) -> bool:
        """Take what begins like a number."""
        return word[:1].isdigit() or word[:1] == "."

    def parse(self, words: Sequence[str], playground: Playground) -> float:
        """Read a positive number of seconds, with or without an s behind it."""
        try:
            seconds = float(words[0].removesuffix("s"))
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e9:
            raise UsageError(f"{quoted(words[0])} is no time span", "write seconds, as in 5")
        return seconds


class Times(Argument):
    """How often: a whole number from 1 on."""

    def parse(self, words: Sequence[str], playground: Playground) -> int:
        """Read the number; raises UsageError."""
        word = words[0]
        # As long as any can be that somebody means.
        if not word.isascii() or not word.isdigit() or len(word) > 9 or not int(word):
            raise UsageError(f"{quoted(word)} is no number of times", "write one, as in 3")
        return int(word)


class ContainerName(Argument):
    """The name, id or unique id prefix of a container."""

    def parse(self, words: Sequence[str], playground: Playground) -> object:
        """Return the label of the container; raises Refused if there is none such."""
        return playground.find(words[0]).label

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the containers."""
        for container in playground.containers:
            yield Candidate(container.label, f"container, bash {container.pid}")


class ContainerNames(ContainerName):
    """Any number of containers."""

    arity = "many"

    def parse(self, words: Sequence[str], playground: Playground) -> object:
        """Return the label of each, once."""
        return tuple(dict.fromkeys(playground.find(word).label for word in words))


class Option:
    """One option: a flag, or with an argument the value that follows it.

    With ``otherwise`` the value may be left out, and is that one.
    """

    def __init__(
        self,
        help: str,
        *,
        short: str | None = None,
        argument: Argument | None = None,
        otherwise: object = None,
    ) -> None:
        self.help = help
        self.short = short
        self.argument = argument
        self.otherwise = otherwise

    @property
    def metavar(self) -> str:
        """The word for its value: in brackets where it may be left out, "" for a flag."""
        if self.argument is None:
            return ""
        return self.argument.metavar if self.otherwise is None else f"[{self.argument.metavar}]"

    def takes(self, word: str) -> bool:
        """Tell whether the word behind it is its value."""
        if self.argument is None:
            return False
        return self.otherwise is None or self.argument.takes(word)

    def spellings(self, name: str) -> tuple[str, ...]:
        """Return how it is written, short form first."""
        long = "--" + name.strip("_").replace("_", "-")
        return (self.short, long) if self.short else (long,)


class Target:
    """The container that a command acts on: ``-c NAME``, else the current one.

    ``creates`` says that one is made if there is none, ``optional`` that the command does
    without (and gets None); ``positional`` that a bare word names it too.
    """

    argument = ContainerName("NAME", "a container: its name, id or the beginning of the id")
    option = Option("act on this container, not the current one", short="-c", argument=argument)

    def __init__(
        self, *, creates: bool = False, optional: bool = False, positional: bool = False
    ) -> None:
        self.creates = creates
        self.optional = optional
        self.positional = positional
