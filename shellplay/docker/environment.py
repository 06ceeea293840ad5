"""The environment of a program: the image's, --env-file and -e."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from shellplay.directories import expanded
from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(
    request: RunRequest, of_image: tuple[str, ...], hostname: str, term: str
) -> dict[str, str]:
    """Return the variables of a program; ``of_image`` are NAME=VALUE.

    ``term`` is TERM for a program with a terminal.  Raises UsageError.
    """
    variables = {"PATH": PATH, "HOSTNAME": hostname}
    if request.has("tty"):
        variables["TERM"] = term
    variables.update(_variables(of_image))
    for file in request.all("env-file"):
        variables.update(_variables(lines_of("env-file", file)))
    for name in request.all("env"):
        # Docker's rule: -e NAME unsets the variable if it is not in our environment.
        variables.pop(name, None)
        variables.update(_variables((name,)))
    return variables


def added(names: Sequence[str], files: Sequence[str]) -> dict[str, str]:
    """Return the variables of ``--env-file`` and ``-e`` alone; raises UsageError."""
    variables: dict[str, str] = {}
    for file in files:
        variables.update(_variables(lines_of("env-file", file)))
    variables.update(_variables(tuple(names)))
    return variables


def _variables(lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield ``NAME=VALUE``; a name alone is a variable of ours, if there is one."""
    for line in lines:
        name, equals, value = line.partition("=")
        if not name or "\0" in line:
            raise UsageError(f"{line!r} is not a variable", "NAME=VALUE")
        if equals:
            yield name, value
        elif name in os.environ:
            yield name, os.environ[name]


def lines_of(option: str, file: str) -> tuple[str, ...]:
    """Return the lines of the file that an option names, without comments; UsageError."""
    try:
        text = expanded(file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--{option} {file} cannot be read: {error}") from error
    # Docker's rule: all characters after = belong to the value, spaces at the end too.
    lines = (line.removesuffix("\r").lstrip() for line in text.split("\n"))
    kept = tuple(line for line in lines if line and not line.startswith("#"))
    for line in kept:
        if any(letter.isspace() for letter in line.partition("=")[0]):
            raise UsageError(
                f"--{option} {file}: {line!r} has spaces in its name", "NAME=VALUE"
            )
    return kept
