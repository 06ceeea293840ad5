"""Bind the words of one command to the parameters of its function."""

from collections import deque
from collections.abc import Sequence

from shellplay.cmdline.arguments import Argument
from shellplay.cmdline.registry import Command
from shellplay.cmdline.tokenizer import Segment
from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground


def bind(command: Command, segment: Segment, playground: Playground) -> dict[str, object]:
    """Return the value of each parameter that a segment gives; it changes nothing.

    Raises UsageError, with an example as the fix, and Refused.
    """
    values, words = _take_options(command, segment, playground)
    for parameter, argument in command.arguments:
        taken = _take(argument, words, segment)
        if taken:
            values[parameter.name] = argument.parse(taken, playground)
        elif parameter.required:
            raise UsageError(f"{command.name} needs {argument.metavar}", example(command))
    if words:
        raise UsageError(f"{command.name} takes no {quoted(words[0])}", example(command))
    return values


def example(command: Command) -> str:
    """Return the first example of a command as the fix of an error."""
    return f"as in: {command.examples[0].partition(' #')[0].rstrip()}"


def _take(argument: Argument, words: deque[str], segment: Segment) -> Sequence[str]:
    if argument.arity == "rest":
        return [segment.rest.text] if segment.rest else []
    if argument.arity == "many":
        taken = list(words)
        words.clear()
        return taken
    if words and argument.takes(words[0]):
        return [words.popleft()]
    return []


def _take_options(
    command: Command, segment: Segment, playground: Playground
) -> tuple[dict[str, object], deque[str]]:
    values: dict[str, object] = {}
    words: deque[str] = deque()
    pending = deque(word.text for word in segment.words[1:])
    if command.is_raw:
        return values, pending
    while pending:
        word = pending.popleft()
        if word == "--":
            words.extend(pending)
            break
        if letters := _spread(word, command):
            pending.extendleft(reversed(letters))
            continue
        spelling, equals, value = word.partition("=")
        if spelling in command.options:
            name, option = command.options[spelling]
            if option.argument is None:
                if equals:
                    raise UsageError(f"{spelling} takes no value", "leave the = out")
                values[name] = True
                continue
            follows = bool(equals) or bool(pending and option.takes(pending[0]))
            if not follows and option.otherwise is not None:
                values[name] = option.otherwise
                continue
            if not equals and not pending:
                raise UsageError(f"{spelling} needs {option.argument.metavar}", option.help)
            text = value if equals else pending.popleft()
            parsed = option.argument.parse([text], playground)
            given = values.setdefault(name, []) if option.repeated else None
            if isinstance(given, list):
                given.append(parsed)
            else:
                values[name] = parsed
        elif _is_option(word) and not any(a.takes(word) for _, a in command.arguments):
            fix = did_you_mean(word, command.options, f"see help {command.name}")
            raise UsageError(f"{command.name} has no option {quoted(word)}", fix)
        else:
            words.append(word)
    return values, words


def _spread(word: str, command: Command) -> list[str]:
    """Return ``-i``, ``-t`` for ``-it``, and ``-u``, ``web`` for ``-uweb``; [] for others."""
    if len(word) < 3 or word[0] != "-" or word[1] == "-" or word[2] == "=":
        return []
    spread: list[str] = []
    for position, letter in enumerate(word[1:], 2):
        found = command.options.get(f"-{letter}")
        if found is None:
            return []
        spread.append(f"-{letter}")
        if found[1].argument is not None:
            return [*spread, word[position:]] if word[position:] else spread
    return spread


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1


def usage(command: Command) -> str:
    """Return the synopsis of a command, in one line: ``kill [-SIGNAL] TARGET...``."""
    parts = [command.name]
    if command.options:
        parts.append("[OPTIONS]")
    for parameter, argument in command.arguments:
        dots = "..." if argument.arity == "many" else ""
        word = f"{argument.metavar}{dots}"
        parts.append(word if parameter.required else f"[{word}]")
    return " ".join(parts)
