"""Read an expected line as a pattern, and write a line of output as a literal pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from shellplay.recipe import tag
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.line import ANY_LINES, BLANKS, SUFFIX, Kind, kind
from shellplay.recipe.pattern_match import (
    CACHED,
    Literal,
    Part,
    Pattern,
    Plain,
    Quantifier,
    Regex,
    compile_regex,
    start_boundary,
    tag_group,
)
from shellplay.recipe.tag import Tag

ANYTHING = Tag(None, None)
CHARACTER = Tag(tag.Type("?", ".", "", "any one character, in a glob"), None)
CODE_FENCE = re.compile(r" {0,3}(?:`{3,}|~{3,})[ \t]*")
GLOB = re.compile(r"\\(?P<escaped>[*?\\])|(?P<star>\*+)|(?P<one>\?)")


@lru_cache(CACHED)
def pattern(text: str) -> Pattern:
    """Return the pattern of an expected line.

    Raises `ValueError` with a sentence if its regular expression is not correct.
    """
    if text.strip(BLANKS) == ANY_LINES:
        return Pattern(Quantifier.LINES)
    suffix = SUFFIX.search(text)
    if not suffix:
        return _plain(_split(text.strip(BLANKS)), Quantifier.ONE)
    body, quantifier = text[: suffix.start()], Quantifier(suffix["quantifier"] or "")
    match suffix["kind"]:
        case "lit":
            return Literal(quantifier, body)
        case "re":
            return _regex(body, quantifier)
        case "glob":
            return _plain(_glob(_split(body.strip(BLANKS))), quantifier)
        case _:
            return _plain(_split(body.strip(BLANKS)), quantifier)


def literal(line: str) -> str:
    """Return the expected line that matches exactly this line of output.

    It is the line itself, with ``(lit)`` after it if the line would be read as a pattern.
    """
    special = (
        kind(line) is not Kind.OUTPUT
        or CODE_FENCE.fullmatch(line)
        or SUFFIX.search(line)
        or tag.SYNTAX.search(line)
        or line.strip(BLANKS) == ANY_LINES
    )
    return (f"{line} (lit)" if line else "(lit)") if special else line


def _split(text: str) -> Iterator[str | Tag]:
    end = 0
    for match in tag.SYNTAX.finditer(text):
        yield text[end : match.start()]
        yield tag.read(match)
        end = match.end()
    yield text[end:]


def _glob(pieces: Iterator[str | Tag]) -> Iterator[str | Tag]:
    """Yield the pieces of a glob as those of a plain line; ``*`` becomes ``<...>``."""
    for piece in pieces:
        if isinstance(piece, Tag):
            yield piece
            continue
        end = 0
        for match in GLOB.finditer(piece):
            yield piece[end : match.start()]
            yield match["escaped"] or (ANYTHING if match["star"] else CHARACTER)
            end = match.end()
        yield piece[end:]


def _plain(pieces: Iterator[str | Tag], quantifier: Quantifier) -> Plain:
    """Cut the line at each ``<...>`` and make one regular expression of each part between."""
    parts: list[Part] = []
    before: Tag | None = None
    between: list[str | Tag] = []
    for piece in _joined(pieces):
        if isinstance(piece, Tag) and piece.type is None:
            parts.append(_part(before, between, piece))
            before, between = piece, []
        else:
            between.append(piece)
    return Plain(quantifier, (*parts, _part(before, between, None)))


def _joined(pieces: Iterator[str | Tag]) -> Iterator[str | Tag]:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield text
        yield piece
        text = ""
    if text:
        yield text


def _part(before: Tag | None, pieces: list[str | Tag], after: Tag | None) -> Part:
    context = [before, *pieces, after]
    source, tags = "", []
    for left, piece, right in zip(context, pieces, context[2:], strict=False):
        if isinstance(piece, str):
            source += _text(
                piece, after_tag=isinstance(left, Tag), before_tag=isinstance(right, Tag)
            )
            continue
        source += start_boundary(piece) if left is before and before else ""
        source += tag_group(piece, "" if piece.name else "?:")
        tags += [piece] if piece.name else []
    return Part(compile_regex(source if after else source + r"\Z"), tuple(tags), before)


def _text(text: str, *, after_tag: bool, before_tag: bool) -> str:
    """Return the regular expression of a text; some of its blanks match any number of blanks.

    Two blanks or more end a column of a table, whose width varies.  One blank next to a tag
    may end a column, too, because the value of the tag varies in length.
    """
    source = ""
    for match in re.finditer(r"[ \t]+|[^ \t]+", text):
        next_to_tag = (after_tag and match.start() == 0) or (
            before_tag and match.end() == len(text)
        )
        if match[0].strip(BLANKS):
            source += re.escape(match[0])
        elif next_to_tag or len(match[0]) > 1:
            source += r"[ \t]++"
        else:
            source += r"[ \t](?![ \t])"
    return source


def _regex(body: str, quantifier: Quantifier) -> Regex:
    pieces: list[str | Tag] = []
    end = 0
    for match in re.finditer(rf"(?<!\(\?P){tag.SYNTAX.pattern}", body):
        pieces += [body[end : match.start()], tag.read(match)]
        end = match.end()
    found = Regex(quantifier, (*pieces, body[end:]))
    try:
        compile_regex(found.source(Bindings()))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a correct regular expression: {error}") from error
    return found
