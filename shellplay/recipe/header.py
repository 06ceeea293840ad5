"""Read and write the header of a recipe: TOML between ``+++`` lines."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from shellplay.errors import RecipeError
from shellplay.nearest import did_you_mean, quoted
from shellplay.recipe import duration
from shellplay.recipe.document import Header, Needs

FENCE = "+++"
VERSION = 1
KERNEL = re.compile(r"(?:>=|<=|==|>|<)[0-9]+(?:\.[0-9]+){0,2}")
TOML_POSITION = re.compile(
    r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)"
)
COLUMNS = range(20, 501)
ROWS = range(5, 201)


def read(text: str, path: str = "") -> Header:
    """Return the header of a TOML text, which begins in line 2 of the file ``path``.

    Raises `RecipeError` if the text is not TOML, a key is unknown or a value is not valid.
    """
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _toml_error(error, text, path) from error
    if "shellplay" not in values:
        raise RecipeError("the header does not say shellplay = 1", 2, 1, path, "add it")
    fields = {}
    for key, value in values.items():
        line = _line_of(key, text)
        if key not in KEYS:
            fix = did_you_mean(key, KEYS)
            message = f"there is no header key {quoted(key)}"
            raise RecipeError(message, line, 1, path, fix)
        name, reader, _ = KEYS[key]
        try:
            fields[name] = reader(value)
        except ValueError as error:
            raise RecipeError(f"{key}: {error}", line, 1, path) from error
    return Header(**fields)


def write(header: Header) -> str:
    """Return the TOML text of a header: its version and every value that is not the default."""
    default = Header()
    lines = []
    for key, (name, _, writer) in KEYS.items():
        value = getattr(header, name)
        if name == "version" or value != getattr(default, name):
            lines.append(f"{key} = {writer(value)}\n")
    return "".join(lines)


def _toml_error(error: Exception, text: str, path: str) -> RecipeError:
    message = str(error)
    position = TOML_POSITION.search(message)
    end = text.count("\n") + 1
    line = int(position["line"]) if position and position["line"] else end
    column = int(position["column"]) if position and position["column"] else 1
    sentence = TOML_POSITION.sub("", message)
    return RecipeError(f"the header is not TOML: {sentence}", line + 1, column, path)


def _line_of(key: str, text: str) -> int:
    """Return the line of the file where the header sets a key; the header begins in line 2."""
    assignment = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[].=]""")
    for number, line in enumerate(text.split("\n"), 2):
        if assignment.match(line):
            return number
    return 1


def _version(value: object) -> int:
    if type(value) is not int or value != VERSION:
        raise ValueError(f"this is version {VERSION} of the format, and only it can be read")
    return VERSION


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected text in quotes")
    return value


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise ValueError('expected a list of words, as ["bash", "ps"]')
    return tuple(value)


def _needs(value: object) -> Needs:
    if not isinstance(value, dict):
        raise ValueError('expected { all = ["net"] } or { any = ["root", "userns"] }')
    for key in value:
        if key not in ("all", "any"):
            raise ValueError(f"there is no {quoted(key)}, only all and any")
    return Needs(_words(value.get("all", [])), _words(value.get("any", [])))


def _kernel(value: object) -> str:
    if not isinstance(value, str) or not KERNEL.fullmatch(value):
        raise ValueError('expected a comparison with a version, as ">=5.6"')
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected {duration.FORM}")
    if isinstance(value, str):
        found = duration.seconds(value)
    elif not 0 < value <= duration.LONGEST:
        raise ValueError("expected seconds, more than none and at most a day")
    else:
        found = float(value)
    if not found:
        raise ValueError("expected more than no time at all")
    return found


def _number_in(allowed: range) -> Callable[[object], int]:
    def read(value: object) -> int:
        if type(value) is not int or value not in allowed:
            raise ValueError(f"expected a number from {allowed[0]} to {allowed[-1]}")
        return value

    return read


def _environment(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError('expected variables, as { LANG = "C" }')
    for name, text in value.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"{quoted(name)} is not the name of a variable")
        if not isinstance(text, str) or "\0" in text:
            raise ValueError(f"{name}: expected text in quotes")
    return dict(value)


def _quoted(text: str) -> str:
    """Return a TOML string: JSON has the same escapes, except that it does not escape DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(words: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_quoted, words))}]"


def _table(pairs: Iterator[tuple[str, str]]) -> str:
    return f"{{ {', '.join(f'{key} = {value}' for key, value in pairs)} }}"


def _write_needs(needs: Needs) -> str:
    lists = (("all", needs.all), ("any", needs.any))
    return _table((key, _list(words)) for key, words in lists if words)


def _write_environment(environment: dict[str, str]) -> str:
    return _table((name, _quoted(text)) for name, text in environment.items())


def _write_boolean(value: bool) -> str:
    return "true" if value else "false"


def _write_seconds(value: float) -> str:
    return _quoted(duration.text(value))


KEYS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], str]]] = {
    "shellplay": ("version", _version, str),
    "title": ("title", _text, _quoted),
    "needs": ("needs", _needs, _write_needs),
    "programs": ("programs", _words, _list),
    "kernel": ("kernel", _kernel, _quoted),
    "network": ("network", _boolean, _write_boolean),
    "images": ("images", _boolean, _write_boolean),
    "timeout": ("timeout", _seconds, _write_seconds),
    "total_timeout": ("total_timeout", _seconds, _write_seconds),
    "cols": ("columns", _number_in(COLUMNS), str),
    "rows": ("rows", _number_in(ROWS), str),
    "env": ("environment", _environment, _write_environment),
    "tags": ("tags", _words, _list),
    "slow": ("slow", _boolean, _write_boolean),
}
"""Header key: the field of `Header`, the function that reads it, and the one that writes it."""
