"""One tokenizer with positions, for the parser, completion and highlighting.

``;`` and line ends separate segments.  A segment has words, and for ``in``, ``spawn``, ``exec``
and ``!`` a raw tail.  Quotes and backslash work as in bash(1), without expansion; ``#`` at the
start of a word begins a comment.
"""

import re
from collections.abc import Callable, Mapping

from shellplay.errors import Unterminated, UsageError
from shellplay.model import Value

BARE = re.compile(r"[^\s;'\"\\]+")
BLANK = re.compile(r"(?:[^\S\n]|\\\n)+")
DOUBLE = re.compile(r'((?:[^"\\]|\\.)*)"', re.S)
ONE_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""", re.S)
ESCAPED = re.compile(r"\\([\"\\$`])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

RestOptions = Callable[[str], Mapping[str, bool] | None]
IsCommand = Callable[[str], bool]


class Word(Value):
    """One word: its text without quotes, and its start and end in the line.

    ``open`` is true if a quote in it is not closed, which a half-typed line may have.
    """

    text: str
    start: int
    end: int
    open: bool = False


class Segment(Value):
    """One command: its words, and its raw tail as one word; None if it has none."""

    words: tuple[Word, ...]
    rest: Word | None
    start: int
    end: int


class Grammar(Value):
    """The facts about commands that the tokenizer needs.

    ``rest_options`` maps the options of a command with a raw tail to whether each has a value;
    it returns None for another command.  ``is_command`` is true for the name of a command.
    """

    rest_options: RestOptions
    is_command: IsCommand


def no_rest(_name: str) -> None:
    """Return None: the command has no raw tail."""
    return


PLAIN = Grammar(rest_options=no_rest, is_command=lambda _name: False)


def segments(text: str, grammar: Grammar = PLAIN, *, typing: bool = False) -> list[Segment]:
    """Split a text into commands, without empty ones.

    Raises Unterminated, with the column, for an unclosed quote or a backslash at the end, and
    UsageError for a control character.  With
    ``typing`` the text is a half-typed line: both are allowed, and empty commands are kept.
    """
    if not typing:
        refuse_control_characters(text)
    found = []
    position = 0
    while position <= len(text):
        segment, position = _segment(text, position, grammar, typing)
        if segment.words or typing:
            found.append(segment)
    return found


def split(text: str) -> list[str]:
    """Split a text into the words of one command, the argv of exec(3)."""
    words: list[str] = []
    position = _skip_blank(text, 0)
    while position < len(text):
        word = _word(text, position, typing=False, stops=" \t\n")
        words.append(word.text)
        position = _skip_blank(text, word.end)
    return words


def refuse_control_characters(text: str) -> None:
    """Raise UsageError for the first control character."""
    if found := CONTROL.search(text):
        code = ord(found.group())
        raise UsageError(
            f"control character \\x{code:02x} at column {found.start() + 1}",
            f"write it as $'\\x{code:02x}' for bash",
        )


def _segment(text: str, start: int, grammar: Grammar, typing: bool) -> tuple[Segment, int]:
    words: list[Word] = []
    position = start
    while True:
        position = _skip_blank(text, position)
        if position < len(text) and text[position] == "#":
            position = _line_end(text, position)
        if position >= len(text) or text[position] in ";\n":
            return Segment(tuple(words), None, start, position), position + 1
        if not words and text[position] == "!":
            words.append(Word("!", position, position + 1))
            rest_from = _skip_blank(text, position + 1)
        else:
            words.append(_word(text, position, typing=typing))
            position = words[-1].end
            if not _begins_rest(words, grammar):
                continue
            rest_from = words.pop().start
        rest = _rest(text, rest_from, grammar, typing)
        after = _line_end(text, rest.end) if text[rest.end : rest.end + 1] == "#" else rest.end
        return Segment(tuple(words), rest, start, rest.end), after + 1


def _begins_rest(words: list[Word], grammar: Grammar) -> bool:
    options = grammar.rest_options(words[0].text)
    if options is None or len(words) == 1:
        return False
    before = words[-2].text
    if before == "--":
        return True
    wants_value = len(words) > 2 and _wants_value(before, options)
    return not wants_value and not words[-1].text.startswith("-")


def _wants_value(word: str, options: Mapping[str, bool]) -> bool:
    """Tell whether the next word is the value of an option, as of ``-u`` and of ``-iu``."""
    if word in options or word.startswith("--") or not word.startswith("-"):
        return options.get(word, False)
    for position, letter in enumerate(word[1:], 2):
        if options.get(f"-{letter}", False):
            # -uweb has its value already.
            return position == len(word)
    return False


def _rest(text: str, start: int, grammar: Grammar, typing: bool) -> Word:
    # Loaded here: few commands have a raw tail, and its grammar takes long to compile.
    from shellplay.cmdline.raw_tail import end_of_rest

    end, open_quote = end_of_rest(text, start, grammar.is_command)
    if open_quote is not None and not typing:
        raise _unterminated(text, open_quote)
    raw = text[start:end].rstrip()
    if ONE_QUOTED.fullmatch(raw):
        raw = _word(raw, 0, typing=True, stops="").text
    return Word(raw, start, end, open_quote is not None)


def _word(text: str, start: int, *, typing: bool, stops: str = ";") -> Word:
    parts: list[str] = []
    position = start
    while position < len(text) and text[position] not in stops and not text[position].isspace():
        end, value = _piece(text, position)
        if end is None:
            if not typing:
                raise _unterminated(text, position)
            return Word("".join([*parts, text[position + 1 :]]), start, len(text), True)
        parts.append(value)
        position = end
    return Word("".join(parts), start, position)


def _piece(text: str, start: int) -> tuple[int | None, str]:
    """Return the end and the value of one quoted, escaped or bare piece; None: it is open."""
    match text[start]:
        case "'":
            close = text.find("'", start + 1)
            return (close + 1 if close >= 0 else None), text[start + 1 : close]
        case '"':
            quoted = DOUBLE.match(text, start + 1)
            return (quoted.end(), ESCAPED.sub(r"\1", quoted[1])) if quoted else (None, "")
        case "\\":
            end = start + 2
            # A backslash at the end of a line continues it.
            value = text[start + 1 : end].removeprefix("\n")
            return (end if end <= len(text) else None), value
        case _:
            bare = BARE.match(text, start)
            end = bare.end() if bare else start + 1
            return end, text[start:end]


def _unterminated(text: str, position: int) -> Unterminated:
    column = position + 1
    if text[position] == "\\":
        return Unterminated(
            f"the line ends in a backslash, at column {column}", "write it twice"
        )
    return Unterminated(f"unterminated {text[position]} at column {column}", "close the quote")


def _skip_blank(text: str, position: int) -> int:
    blank = BLANK.match(text, position)
    return blank.end() if blank else position


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
