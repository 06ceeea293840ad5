"""Translate --label, --label-file, --annotation and the labels of an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shellplay.docker.environment import lines_of
from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError


def labels(request: RunRequest, of_image: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a container by name; those of the image come first.

    Raises UsageError.
    """
    files = (
        line for file in request.all("label-file") for line in lines_of("label-file", file)
    )
    return {**of_image, **_pairs("label", files), **_pairs("label", request.all("label"))}


def notes(request: RunRequest) -> dict[str, str]:
    """Return the annotations by name; raises UsageError."""
    for text in request.all("annotation"):
        if "=" not in text:
            raise UsageError(f"--annotation {text} has no value", "NAME=VALUE")
    return _pairs("annotation", request.all("annotation"))


def _pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    """Return names and values; as in Docker, a name alone has an empty value."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name.strip():
            raise UsageError(f"--{option} {text!r} has no name", "NAME=VALUE")
        found[name] = value
    return found
