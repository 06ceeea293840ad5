"""publish, unpublish, connect, disconnect: the network of a running container."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.arguments import Argument, Candidate, Target
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.registry import command
from shellplay.fences.net import BRIDGE, ON_HOST
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container

FORM = "[ADDRESS:]HOST:INSIDE"


class PortWord(Argument):
    """A port of the host and a port inside: ``8080:80``, ``127.0.0.2:5353:53/udp``."""

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Return the word; raises UsageError if it is not a port."""
        from shellplay.network.port_range import choices

        choices(words[0])
        return words[0]

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer examples."""
        yield Candidate("8080:80", "127.0.0.1:8080 of the host leads to 80 inside")
        yield Candidate("0.0.0.0:8080:80", "from other machines, too")
        yield Candidate("5353:53/udp", "UDP")


class PublishedPort(Argument):
    """A published port of the host."""

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Return the word; the container looks the port up."""
        return words[0]

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the published ports of the current container."""
        if playground.current is not None:
            for port in playground.current.network.ports:
                yield Candidate(f"{port.host}/{port.protocol}", str(port))


def _on_host(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        yield f"opens the port {word} to programs inside"


@command("publish", group="network", host=_on_host)
def publish(
    container: Annotated[Container, Target()],
    port: Annotated[str | None, PortWord(FORM, "the port of the host, and that inside")] = None,
) -> Iterator[Outcome]:
    """Have a port of the host lead to one inside, while both run.

    It is open on 127.0.0.1 unless an address is given, and for TCP unless /udp is; who
    leaves HOST out gets a free one. Nobody has to be root for it. Alone, it lists them.

    Examples:
        publish
        publish 8080:80
        publish 80                   # a free port of the host
        publish 0.0.0.0:8080:80      # from other machines, too
        publish 5353:53/udp
        publish 8000-8002:80-82      # three of them
    """
    if port is not None:
        for opened in container.network.publish_range(port):
            yield f"{container.label}: {opened}"
        return
    for each in container.network.ports:
        yield f"{container.label}: {each}"
    if not container.network.ports:
        yield f"{container.label}: no port is published"


@command("unpublish", group="network", host=None)
def unpublish(
    container: Annotated[Container, Target()],
    port: Annotated[str, PublishedPort("HOST", "the port of the host")],
) -> Iterator[Outcome]:
    """Close a published port, with every connection to it.

    Examples:
        unpublish 8080
        unpublish 5353/udp
    """
    for closed in container.network.unpublish(port):
        yield f"{container.label}: {closed} is closed"


@command("connect", group="network", host=ON_HOST[BRIDGE])
def connect(container: Annotated[Container, Target(positional=True)]) -> Iterator[Outcome]:
    """Lead an interface of the playground's bridge into a container with a network of its own.

    It gets addresses, a way out, and the names of the other containers at the bridge.

    Examples:
        connect
        connect web
    """
    for sentence in container.network.connect():
        yield f"{container.label}: {sentence}"


@command("disconnect", group="network", host=None)
def disconnect(container: Annotated[Container, Target(positional=True)]) -> Iterator[Outcome]:
    """Take the interface of the bridge away; the loopback and published ports stay.

    Examples:
        disconnect
        disconnect web
    """
    container.network.disconnect()
    yield f"{container.label}: disconnected from the bridge"
