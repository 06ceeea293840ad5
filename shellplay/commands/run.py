"""run, wait, rm: start programs behind all of Docker's fences, and wait for their end."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.argument_types.run import RunWords
from shellplay.cmdline.arguments import ContainerNames, Option
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.help import page
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import Outcome, Page, Status, Warned
from shellplay.cmdline.phrases import count, numbers
from shellplay.cmdline.registry import TABLE, command
from shellplay.directories import expanded
from shellplay.docker.options import RunRequest, parse
from shellplay.errors import OutputLost, Refused, UsageError
from shellplay.kernel.terminal_modes import echo
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.image.manifest import Image
    from shellplay.shell.attach import RelayEnd

HOST = "host"
STREAMS = ("stdin", "stdout", "stderr")


def _on_host(words: Sequence[str]) -> Iterator[str]:
    from shellplay.docker.host_effects import host_effects

    request = parse(words)
    if request.image != HOST:
        yield f"fetches {request.image} from a registry, if it is not there"
    yield from host_effects(request)


@command("run", group="containers", host=_on_host, inside=True)
def run(
    playground: Playground,
    front: Front,
    recording: Recording,
    asked: Annotated[RunRequest, RunWords("[OPTIONS] IMAGE [CMD]", "as for docker run")],
) -> Iterator[Outcome]:
    """Run a program as docker run does: behind every fence, put up one after the other.

    IMAGE is one of image ls, and is pulled if it is not there; host has the files of this
    machine, copied when written to. The words behind it are the program, in place of the
    image's own. A bash on a terminal (-it) is a live bash like any other: in, fence and peel
    work. Where no terminal is to be handed over it waits for in.
    With -d it goes on in the background: logs, enter, exec, cp, stop, wait and rm. It lives
    at most as long as this playground. Ctrl-] leaves a terminal.
    Options are those of docker run; --network is none|bridge|isolated|pasta|host
    or container:NAME.

    Examples:
        run -it host /bin/bash
        run --rm host ps -ef
        run -it -m 64m --cpus 0.5 -v ./src:/src:ro -e A=1 -w /src --hostname web debian
        run -d --name db --network none host sleep 100
    """
    if asked.has("help"):
        yield Page(page(TABLE["run"]))
        return
    streams = attached_streams(asked)
    takes_keys = asked.has("interactive") or asked.has("detach")
    image = yield from found(asked)
    told, warned = list[str](), list[str]()
    before = playground.current
    container = started(playground, asked, image, told, warned)
    if not asked.has("quiet"):
        yield from told
    yield from map(Warned, warned)
    if container.process is not None and container.inside:
        what = container.process.spec.argv[0]
        yield f"{container.label}: {what} is {numbers(container.pid, container.inside)}"
    if asked.has("tty") and not (container.has_bash or front.terminal or takes_keys):
        show(container, playground.settings.surroundings.output)
        yield from _ended(playground, container, before, forget=asked.has("rm"))
        return
    if asked.has("detach") or (asked.has("tty") and not front.terminal):
        if container.process is not None and not (container.has_bash or asked.has("detach")):
            container.process.read_in_background()
            yield "no terminal is here to be handed over: it runs in the background (logs)"
        return
    if asked.has("tty"):
        left = _enter(front, recording, container, asked.last("detach-keys"))
        if left.reason == "detached":
            yield f"{container.label}: left, it lives on"
            return
    else:
        output = playground.settings.surroundings.output
        keys = front.input if "stdin" in streams else None
        with echo(keys):
            attend(container, output, output, keys, streams=streams)
    yield from _ended(playground, container, before, forget=asked.has("rm"))


def _enter(
    front: Front, recording: Recording, container: Container, detach_keys: str | None
) -> RelayEnd:
    with recording.entered(container) as heard:
        left = container.enter(
            typeahead=front.typed_ahead(), heard=heard, detach_keys=detach_keys
        )
    front.give_back(left.unread)
    return left


@command("wait", group="containers", host=None)
def wait(
    playground: Playground,
    labels: Annotated[tuple[str, ...], ContainerNames("NAME", "containers to wait for")] = (),
) -> Iterator[Outcome]:
    """Wait until containers have ended, and show the exit status of each.

    Examples:
        wait            # for the current one
        wait db web
    """
    if not labels and playground.current is None:
        raise Refused("wait: there is no container", "new makes one")
    current = [playground.current.label] if playground.current else []
    # All are looked up before the first is waited for, as that may be forgotten at its end.
    processes = []
    for container in [playground.find(label) for label in labels or current]:
        if container.process is None:
            raise Refused(
                f"{container.label} is interactive and does not exit by itself",
                f"stop {container.label}",
            )
        processes.append((container.label, container.process))
    for label, process in processes:
        process.await_end()
        yield f"{label}: exit status {process.exit_status}"


@command("rm", group="containers", host=None)
def remove(
    playground: Playground,
    labels: Annotated[tuple[str, ...], ContainerNames("NAME", "containers to forget")],
    *,
    force: Annotated[bool, Option("end those that run", short="-f")] = False,
    volumes: Annotated[bool, Option("their volumes without a name, too", short="-v")] = False,
) -> Iterator[Outcome]:
    """Forget containers that have ended, with what they have written.

    Volumes stay, also those without a name, unless -v is given.

    Examples:
        rm db
        rm -f web db
        rm -v db
    """
    if not labels:
        raise UsageError("rm needs NAME", "as in: rm db")
    found = {label: playground.find(label) for label in labels}
    for label, container in found.items():
        if container.live.alive and not force:
            raise Refused(f"{label} runs", f"stop {label}, or rm -f {label}")
    for label, container in found.items():
        if container not in playground.containers:
            continue  # It was named twice.
        ended = playground.stop(container, keep_volumes=not volumes)
        yield f"{label}: removed" + (f", {count(ended)} ended" if force and ended else "")


def found(asked: RunRequest) -> Generator[str, None, Image | None]:
    """Return the requested image, None for the host; pull it if the store does not have it."""
    if asked.image == HOST:
        return None
    from shellplay.image.manifest import check_platform
    from shellplay.image.pull import pull_image
    from shellplay.image.store import Store

    store, platform = Store(), asked.last("platform") or None
    if platform is not None:
        check_platform(platform)
    if asked.last("pull") != "always":
        try:
            return _of_platform(store.get(asked.image), platform)
        except Refused as error:
            if asked.last("pull") == "never":
                raise
            yield f"{error.message} here, so it is pulled"
    pulling = pull_image(store, asked.image, platform)
    if not asked.has("quiet"):
        return (yield from pulling)
    while True:
        try:
            next(pulling)
        except StopIteration as end:
            pulled: Image = end.value
            return pulled


def _of_platform(image: Image, platform: str | None) -> Image:
    """Return the image; raise Refused if it is for another platform than the one asked for."""
    its = f"{image.config.os}/{image.config.architecture}"
    if platform is not None and its != "/".join(platform.split("/")[:2]):
        raise Refused(f"{image.name} is for {its}, and there is none for {platform}")
    return image


def attached_streams(asked: RunRequest) -> frozenset[str]:
    """Return which of stdin, stdout and stderr are attached; raises UsageError."""
    words = [word.lower() for word in asked.all("attach")]
    for word in words:
        if word not in STREAMS:
            raise UsageError(f"run --attach cannot be {word!r}", " or ".join(STREAMS))
    if words and asked.has("detach"):
        raise UsageError("-a attaches what -d does not", "leave one out")
    found = set(words or STREAMS[1:])
    # As in Docker: -i opens the stdin of a program, and -a alone leaves it closed.
    return frozenset(found | {STREAMS[0]} if asked.has("interactive") else found - {STREAMS[0]})


def started(
    playground: Playground,
    asked: RunRequest,
    image: Image | None,
    told: list[str],
    warned: list[str],
) -> Container:
    """Start a container for the request.

    ``told`` gets a sentence for each fence, and ``warned`` for each that an option opens.
    """
    from shellplay.cmdline.argument_types.fences import effect
    from shellplay.docker.plan import Plan
    from shellplay.docker.warnings import warnings

    def tell(kind: str, note: str) -> None:
        told.append(f"  {note}" if note else f"{kind} fence is up: {effect(kind)}")

    def hostname_of(name: str) -> str:
        return playground.find(name).network.hostname

    plan = Plan(asked, image, playground.settings.surroundings.term, hostname_of)
    spec = plan.start(tell)
    if not asked.has("quiet"):
        warned += warnings(asked, image)
    with _id_file(asked.last("cidfile")) as write_id:
        container = playground.new(asked.last("name"), spec)
        write_id(container.id)
    return container


@contextmanager
def _id_file(path: str | None) -> Iterator[Callable[[str], object]]:
    """Make a new file for the id of a container; it is removed if the block raises."""
    if not path:
        yield str
        return
    where = expanded(path)
    try:
        file = where.open("x")
    except FileExistsError as error:
        raise UsageError(f"--cidfile {path} is there already", f"rm {path}") from error
    except OSError as error:
        raise UsageError(f"--cidfile {path} cannot be written: {error.strerror}") from error
    with file:
        try:
            yield file.write
        except BaseException:
            where.unlink(missing_ok=True)
            raise


def attend(
    container: Container,
    output: int | None,
    errors: int | None,
    keys: int | None,
    *,
    streams: Collection[str] = STREAMS,
    proxied: frozenset[int] = frozenset(),
    interrupts_passed_on: bool = True,
) -> int:
    """Copy the output of a program without a terminal until it ends; return its status.

    What it writes to another stream than one of ``streams`` is kept for logs only.  Signals
    are passed on as ``ContainerProcess.attend`` does.
    """
    sinks = (
        sys.stdout.fileno() if output is None else output,
        sys.stderr.fileno() if errors is None else errors,
    )
    sys.stdout.flush()

    def heard(stream: int, piece: bytes) -> None:
        if STREAMS[stream] in streams:
            write(sinks[stream - 1], piece)

    assert container.process is not None
    try:
        return container.process.attend(
            heard, keys, proxied=proxied, interrupts_passed_on=interrupts_passed_on
        )
    except BrokenPipeError as error:
        raise OutputLost(error) from error
    except OSError as error:
        raise Refused(f"what goes in or out does not get there: {error.strerror}") from error


def write(sink: int, piece: bytes) -> None:
    """Write all bytes to a descriptor, and wait until it takes them."""
    view = memoryview(piece)
    while view:
        try:
            view = view[os.write(sink, view) :]
        except BlockingIOError:
            # Another process has set O_NONBLOCK on the shared open file.
            select.select([], [sink], [])


def show(container: Container, output: int | None) -> int:
    """Show what a program prints on its terminal until it ends; return its status.

    ``output`` is a descriptor, None for our stdout.
    """
    sink = sys.stdout.fileno() if output is None else output
    sys.stdout.flush()
    assert container.process is not None
    return container.process.show_terminal(lambda piece: write(sink, piece))


def _ended(
    playground: Playground, container: Container, before: Container | None, *, forget: bool
) -> Iterator[Outcome]:
    assert container.process is not None
    status = container.process.exit_status
    if before in playground.containers and playground.current is container:
        # The user goes on in the container that was current before the program.
        playground.current = before
    if forget:
        playground.stop(container)
    yield Status(status)
