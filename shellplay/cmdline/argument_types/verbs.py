"""The argument type of a command with verbs, as in ``image rm web``: a verb and its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shellplay.cmdline.arguments import Argument, Candidate, Choice
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground


class Form(NamedTuple):
    """A verb: its help, its words with their least and greatest number, and an example.

    ``effect`` says what the verb does on the host, with ``{}`` for the words; "" for nothing.
    """

    help: str
    words: str
    least: int
    most: int
    example: str
    effect: str = ""


class Order(NamedTuple):
    """A verb and its words."""

    verb: str
    words: tuple[str, ...]


class VerbWords(Argument):
    """A verb and its words; a subclass has the name of the command, and the verbs."""

    arity = "many"
    command: str
    forms: Mapping[str, Form]

    def parse(self, words: Sequence[str], playground: Playground) -> Order:
        """Return the verb and its words; UsageError for an unknown verb or a wrong number."""
        verb = str(self._verbs().parse(words, playground))
        form = self.forms[verb]
        given = tuple(words[1:])
        if not form.least <= len(given) <= form.most:
            what = "needs" if len(given) < form.least else "takes"
            raise UsageError(
                f"{self.command} {verb} {what} {form.words or 'no more words'}",
                f"as in: {form.example}",
            )
        return Order(verb, given)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the verbs, then words of the verb."""
        if before:
            yield from self.complete_words(before, word)
        else:
            yield from self._verbs().complete(before, word, playground)

    def complete_words(self, before: Sequence[str], word: str) -> Iterator[Candidate]:
        """Offer candidates for a word after the verb, which is the first of ``before``."""
        raise NotImplementedError

    @classmethod
    def effects(cls, words: Sequence[str]) -> Iterator[str]:
        """Yield what a command with these words does on the host."""
        if not words:
            return
        form = cls.forms.get(words[0])
        effect = f"changes your {cls.command}s: {{}}" if form is None else form.effect
        if effect:
            yield effect.format(" ".join(words[1:]))

    @classmethod
    def _verbs(cls) -> Choice:
        return Choice(
            "VERB", "what to do", {verb: form.help for verb, form in cls.forms.items()}
        )
