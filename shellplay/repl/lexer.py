"""Highlighting of lines: our own words by the command table, bash by pygments' BashLexer."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pygments.lexer import Lexer
from pygments.lexers.shell import BashLexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Punctuation,
    String,
    Text,
    _TokenType,
)

from shellplay.cmdline.argument_types.fences import kind_of
from shellplay.cmdline.index import ALIASES, COMMANDS
from shellplay.cmdline.registry import GRAMMAR, name_of
from shellplay.cmdline.tokenizer import Segment, Word, segments
from shellplay.errors import UsageError

LONGEST = 10_000
Piece = tuple[int, _TokenType, str]


class ShellplayLexer(Lexer):
    """Lexer of shellplay lines; a command that does not exist is an Error token."""

    name = "shellplay"
    aliases: ClassVar[list[str]] = ["shellplay"]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._bash = BashLexer(stripnl=False, ensurenl=False)

    def get_tokens_unprocessed(self, text: str) -> Iterator[Piece]:
        """Yield start, type and text of each piece; together they are the whole text."""
        if len(text) > LONGEST:
            yield 0, Text, text
            return
        position = 0
        for start, kind, piece in self._pieces(text):
            if start > position:
                yield from _gap(position, text[position:start])
            yield start, kind, piece
            position = start + len(piece)
        if position < len(text):
            yield from _gap(position, text[position:])

    def _pieces(self, text: str) -> Iterator[Piece]:
        for segment in segments(text, GRAMMAR, typing=True):
            for index, word in enumerate(segment.words):
                raw = text[word.start : word.end]
                kind = _name(word, text) if index == 0 else _argument(segment, word, raw)
                yield word.start, kind, raw
            if segment.rest is not None:
                first = segment.rest.start
                for offset, kind, piece in self._bash.get_tokens_unprocessed(
                    text[first : segment.rest.end]
                ):
                    yield first + offset, kind, piece


def _gap(start: int, text: str) -> Iterator[Piece]:
    blank, sign, comment = text.partition("#")
    if blank:
        yield start, Punctuation if ";" in blank else Text, blank
    if sign:
        yield start + len(blank), Comment, sign + comment


def _name(word: Word, text: str) -> _TokenType:
    try:
        name_of(word.text)
    except UsageError:
        known = [*COMMANDS, *ALIASES]
        still_typed = word.end == len(text) and any(n.startswith(word.text) for n in known)
        return Text if still_typed else Error
    return Keyword


def _argument(segment: Segment, word: Word, raw: str) -> _TokenType:
    if raw[:1] in ("'", '"'):
        return String
    if word.text.startswith("-") or "=" in word.text:
        return Name.Attribute
    if word.text.isdigit():
        return Number
    about_fences = segment.words[0].text in ("fence", "peel", "unshare", "help")
    return Name.Class if about_fences and kind_of(word.text) else Text
