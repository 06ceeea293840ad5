"""Translate --publish, --publish-all and --expose to ports."""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.docker.options import RunRequest
from shellplay.network.port import LOOPBACK, Port
from shellplay.network.port_range import Choice, choices, exposed_ports


def exposed(request: RunRequest, of_image: Sequence[str]) -> tuple[str, ...]:
    """Return the exposed ports as NUMBER/PROTOCOL, those of the image first.

    Raises UsageError.
    """
    published = (
        f"{port.inside}/{port.protocol}"
        for text in request.all("publish")
        for port, *_ in choices(text)
    )
    asked = (
        each for text in (*of_image, *request.all("expose")) for each in exposed_ports(text)
    )
    return tuple(dict.fromkeys((*asked, *published)))


def published(request: RunRequest, of_image: Sequence[str]) -> tuple[Choice, ...]:
    """Return the ports to open; raises UsageError.

    With --publish-all each exposed port that --publish does not name gets a free one.
    """
    asked = tuple(choice for text in request.all("publish") for choice in choices(text))
    if not request.has("publish-all"):
        return asked
    named = {f"{choice[0].inside}/{choice[0].protocol}" for choice in asked}
    others = (each for each in exposed(request, of_image) if each not in named)
    return (*asked, *((_free(each),) for each in others))


def _free(exposed_port: str) -> Port:
    return Port.parse(f"{LOOPBACK}::{exposed_port}")
