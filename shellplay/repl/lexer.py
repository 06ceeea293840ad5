"""Highlighting of lines: commands by the command table, bash by the BashLexer of pygments."""

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
from shellplay.cmdline.registry import DIALECTS, GRAMMAR, name_of
from shellplay.cmdline.tokenizer import Segment, Word, segments
from shellplay.errors import UsageError

MAX_LENGTH = 10_000
Token = tuple[int, _TokenType, str]


class ShellplayLexer(Lexer):
    """Lexer of shellplay lines; a command that does not exist is an Error token."""

    name = "shellplay"
    aliases: ClassVar[list[str]] = ["shellplay"]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._bash = BashLexer(stripnl=False, ensurenl=False)

    def get_tokens_unprocessed(self, text: str) -> Iterator[Token]:
        """Yield the start, the type and the text of each token; they cover the whole text."""
        if len(text) > MAX_LENGTH:
            yield 0, Text, text
            return
        position = 0
        for start, token_type, text_part in self._tokens(text):
            if start > position:
                yield from _between_words(position, text[position:start])
            yield start, token_type, text_part
            position = start + len(text_part)
        if position < len(text):
            yield from _between_words(position, text[position:])

    def _tokens(self, text: str) -> Iterator[Token]:
        for segment in segments(text, GRAMMAR, typing=True):
            for index, word in enumerate(segment.words):
                raw = text[word.start : word.end]
                token_type = (
                    _command_token(word, text)
                    if index == 0
                    else _argument_token(segment, word, raw)
                )
                yield word.start, token_type, raw
            if segment.rest is not None:
                first = segment.rest.start
                for offset, token_type, text_part in self._bash.get_tokens_unprocessed(
                    text[first : segment.rest.end]
                ):
                    yield first + offset, token_type, text_part


def _between_words(start: int, text: str) -> Iterator[Token]:
    blank, hash_sign, comment = text.partition("#")
    if blank:
        yield start, Punctuation if ";" in blank else Text, blank
    if hash_sign:
        yield start + len(blank), Comment, hash_sign + comment


def _command_token(word: Word, text: str) -> _TokenType:
    try:
        name_of(word.text)
    except UsageError:
        if word.text in DIALECTS:
            return Keyword
        known = [*COMMANDS, *ALIASES, *DIALECTS]
        still_typed = word.end == len(text) and any(n.startswith(word.text) for n in known)
        return Text if still_typed else Error
    return Keyword


def _argument_token(segment: Segment, word: Word, raw: str) -> _TokenType:
    if raw[:1] in ("'", '"'):
        return String
    if word.text.startswith("-") or "=" in word.text:
        return Name.Attribute
    if word.text.isdigit():
        return Number
    takes_fences = segment.words[0].text in ("fence", "peel", "unshare", "help")
    return Name.Class if takes_fences and kind_of(word.text) else Text
