"""The argument type of ``run``: Docker's options, an image, and a command with its options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shellplay.cmdline.argument_types.images import images
from shellplay.cmdline.argument_types.paths import files
from shellplay.cmdline.arguments import Argument, Candidate
from shellplay.docker.option_table import OPTIONS, Option
from shellplay.docker.options import RunRequest, parse
from shellplay.playground.playground import Playground

FILES = ("env-file", "label-file", "cidfile", "volume", "device")


class RunWords(Argument):
    """``[OPTIONS] IMAGE [COMMAND...]``: all options in it are Docker's or the command's."""

    arity = "many"
    raw = True

    def parse(self, words: Sequence[str], playground: Playground) -> RunRequest:
        """Parse the words in the way of ``docker run``; raises UsageError."""
        return parse(words)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer options and their values, then images; nothing for the command."""
        waiting = _behind_the_options(before)
        if isinstance(waiting, str):
            yield from _values(waiting, word, playground)
        elif waiting:
            for name, option in OPTIONS.items():
                yield Candidate(f"--{name}", option.help)
            yield Candidate("host", "the files of this machine, copied when written to")
            yield from images()


def _behind_the_options(before: Sequence[str]) -> str | bool:
    """Return the option whose value is next, or whether an option or the image can be."""
    waiting: str | None = None
    for word in before:
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            name, option = _option(word)
            waiting = name if option and option.metavar and "=" not in word else None
        else:
            return False
    return waiting if waiting is not None else True


def _option(word: str) -> tuple[str, Option | None]:
    for name, option in OPTIONS.items():
        if word.partition("=")[0] == f"--{name}":
            return name, option
        if option.short and not word.startswith("--") and word.endswith(option.short):
            return name, option
    return "", None


def _values(name: str, word: str, playground: Playground) -> Iterator[Candidate]:
    option = OPTIONS[name]
    for choice in option.choices:
        yield Candidate(choice, option.help)
    if "container:" in option.metavar:
        for each in playground.containers:
            yield Candidate(f"container:{each.label}", "share that of this container")
    if name in FILES:
        yield from files(word)
