"""enter, in, spawn, exec, kill: work with the live bash and its processes."""

from __future__ import annotations

import codecs
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.argument_types.processes import SignalName, SignalWord, Targets
from shellplay.cmdline.arguments import Option, Rest, Seconds, Target, Word
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import Outcome, Status, Then
from shellplay.cmdline.phrases import bar_of, started
from shellplay.cmdline.registry import command
from shellplay.cmdline.tokenizer import split
from shellplay.errors import KernelError, ShellGone, ShellplayError, UsageError
from shellplay.kernel.poll import readable
from shellplay.kernel.signal_names import signal_name
from shellplay.kernel.terminal_modes import echo
from shellplay.playground.playground import Playground
from shellplay.views.sanitize import SafeStream, safe_line

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.model import LineResult


MOMENT_SECONDS = 0.2


@command(
    "enter",
    group="living",
    host=None,
    inside=True,
    aliases=("attach", "nsenter"),
    terminal=True,
)
def enter(
    playground: Playground,
    front: Front,
    recording: Recording,
    container: Annotated[Container, Target(creates=True, positional=True)],
) -> Iterator[Outcome]:
    """Hand the terminal to the live bash; Ctrl-] leaves it, and it lives on.

    A bar in the last row shows the container and its fences (set bar off: no bar). The key
    is a setting: set detach_key C-t. When the bash ends inside a one-way fence, the
    one outside waits: Enter goes on with that, as peel does.

    Examples:
        enter
        enter web
    """
    key = playground.settings.detach_key.replace("C-", "Ctrl-")
    yield f"{container.label}: {key} leaves, the bash lives on"
    with recording.entered(container) as heard:
        # A recording keeps the size of the terminal, so it has all rows.
        bar = bar_of(container) if heard is None else None
        left = container.enter(typeahead=front.typed_ahead(), heard=heard, bar=bar)
    if container.ended:
        from shellplay.cmdline.key_press import is_enter_pressed

        # Keys that were typed for the bash inside are not for the one outside.
        yield from playground.notices()
        yield "Enter does that now, any other key leaves"
        if is_enter_pressed(sys.stdin.fileno()):
            yield Then(f"peel -c {container.label}; enter {container.label}")
        return
    front.give_back(left.unread)
    if left.reason == "detached":
        yield f"{container.label}: left, bash {container.pid} lives on"


@command("in", group="living", host=None, inside=True)
def type_in(
    playground: Playground,
    front: Front,
    recording: Recording,
    container: Annotated[Container, Target(creates=True)],
    line: Annotated[str, Rest("LINE", "what to type into the bash, to the end of the line")],
    *,
    timeout: Annotated[
        float | None, Option("stop waiting after so long", argument=Seconds("SECONDS", "time"))
    ] = None,
) -> Iterator[Outcome]:
    """Type a line into the live bash, and show its output and exit status.

    The line goes to the bash as it is, semicolons included, up to a semicolon that one of
    shellplay's own commands follows; put it in quotes to send that too. Where bash needs
    more lines, the prompt is ...> until the command is complete; Ctrl-C cancels it.

    At the prompt the keys go to the program that runs, Ctrl-C, Ctrl-Z and Ctrl-D too, as with
    ssh -t. Ctrl-] leaves it running and comes back; enter goes back to it.

    Examples:
        in ps -eaf
        in less /etc/passwd          # q ends it, Ctrl-] leaves it running
        in for i in 1 2 3; do echo $i; done
        in 'cd /tmp; ps'             # in quotes: all of it for the bash
        in --timeout 5 make; fences
    """
    if front.draws is None:
        # A script: what runs has no keyboard.
        result = container.run(line, timeout=timeout, output=front.stream)
    else:
        result = _at_the_keyboard(front, recording, container, line, timeout)
    if result.left:
        yield f"{container.label}: the line still runs (enter: go back to it)"
        return
    if result.status:
        playground.failed_lines[container.id] = line
    yield Status(result.status)


def _at_the_keyboard(
    front: Front, recording: Recording, container: Container, line: str, timeout: float | None
) -> LineResult:
    from shellplay.shell.foreground import Keyboard

    keyboard = Keyboard(
        front.typed_ahead(),
        lambda sentence: front.draw(f"{container.label}: {safe_line(sentence)}\r\n"),
        draws=bool(front.draws),
        # A recipe has one size, and the recording runs in that.
        resizes=not recording.name,
    )
    try:
        shown = front.draw if front.draws else front.stream
        result = container.run(line, timeout=timeout, output=shown, keyboard=keyboard)
    finally:
        front.give_back(keyboard.unread)
    if keyboard.was_used or result.left:
        recording.typed()
    return result


@command("spawn", group="living", host=None, inside=True)
def spawn(
    container: Annotated[Container, Target(creates=True)],
    line: Annotated[str, Rest("CMD", "the command, with or without & behind it")],
) -> Iterator[Outcome]:
    """Start a command in the background, as a child of the live bash.

    Examples:
        spawn sleep 1000 &
    """
    job = container.spawn(line)
    yield f"{container.label}: {started(job)}"


@command("exec", group="living", host=None, inside=True)
def execute(
    playground: Playground,
    front: Front,
    container: Annotated[Container, Target(creates=True)],
    line: Annotated[str, Rest("CMD", "the program and its arguments")],
    *,
    env: Annotated[
        list[str],
        Option("a variable", short="-e", argument=Word("NAME[=VALUE]", ""), repeated=True),
    ] = [],  # noqa: B006 (never changed)
    env_file: Annotated[
        list[str],
        Option("variables, a line each", argument=Word("FILE", ""), repeated=True),
    ] = [],  # noqa: B006 (never changed)
    user: Annotated[
        str | None, Option("who it is", short="-u", argument=Word("USER[:GROUP]", ""))
    ] = None,
    workdir: Annotated[
        str | None, Option("where it starts", short="-w", argument=Word("PATH", ""))
    ] = None,
    detach: Annotated[bool, Option("leave it in the background", short="-d")] = False,
    interactive: Annotated[bool, Option("give it what is typed or piped", short="-i")] = False,
    tty: Annotated[bool, Option("give it a terminal", short="-t")] = False,
) -> Iterator[Outcome]:
    """Run a program beside the live bash, inside all of its fences, as docker exec does.

    At a terminal it has one, as with -it. With -i alone its input is a pipe. Its user,
    directory and variables are those of the container, if no option says another.

    Examples:
        exec ps -ef
        exec -c web sh -c 'echo $$'
        exec -it -u 1000 -w /tmp -e A=1 bash
        exec -d sleep 100
    """
    from shellplay.container.spec import ExecSpec
    from shellplay.docker.environment import added

    if workdir is not None and not workdir.startswith("/"):
        raise UsageError(f"-w {workdir} is not an absolute path", f"-w /{workdir}")
    # If the output is redirected, the program gets a pipe and not a terminal.
    at_terminal = front.terminal and playground.settings.surroundings.output is None
    terminal = tty or (at_terminal and not interactive)
    spec = ExecSpec(
        environment=added(env, env_file),
        user=user,
        directory=workdir,
        keys=front.input if interactive and not terminal else None,
        detached=detach,
    )
    argv = split(line)
    try:
        shown = _as_text() if sys.stdout.isatty() else bytes
        with echo(spec.keys):
            status = container.exec(argv, terminal=terminal, shown=shown, spec=spec)
        if detach:
            yield f"{container.label}: {argv[0]} runs in the background"
        yield Status(status)
    except (ShellplayError, OSError) as error:
        raise _explained(container, argv[0], error) from error


def _explained(
    container: Container, program: str, error: ShellplayError | OSError
) -> ShellplayError | OSError:
    """Return the error of a program that did not start, or whose container has ended."""
    if isinstance(error, KernelError) and error.call == "execve":
        from shellplay.container.not_started import NotStarted

        given = os.environ if container.environment is None else container.environment
        return NotStarted(error, program, given.get("PATH", ""), None)
    # When PID 1 of a PID namespace ends, the kernel kills the others a moment before.
    if container.dead or readable(container.live.pidfd, MOMENT_SECONDS):
        name = container.label
        return ShellGone(f"{name} has ended", f"logs {name}")
    return error


def _as_text() -> Callable[[bytes], bytes]:
    """Return a function that removes unsafe control characters from output."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    stream = SafeStream(colors=True)
    return lambda piece: stream.feed(decoder.decode(piece)).encode("utf-8", "surrogateescape")


@command("kill", group="living", host=None)
def kill(
    container: Annotated[Container, Target()],
    dashed: Annotated[
        int | None, SignalWord("-SIGNAL", "the signal, TERM if not given")
    ] = None,
    targets: Annotated[
        tuple[str | Container, ...], Targets("PID|%JOB|NAME", "host PIDs, jobs or containers")
    ] = (),
    *,
    signal_: Annotated[
        int | None,
        Option("the signal", short="-s", argument=SignalName("SIGNAL", "name or number")),
    ] = None,
) -> Iterator[Outcome]:
    """Send a signal to processes of the container, by host PID or by job.

    A container by its name gets it at its first process, as in docker kill. Without a signal
    that is KILL for a container, and TERM otherwise. Only processes of the playground are
    signalled, never others of the host.

    Examples:
        kill 4242
        kill -9 %1
        kill -s USR1 web
    """
    if not targets:
        raise UsageError("kill needs PID|%JOB|NAME", "as in: kill -9 %1")
    asked = next((n for n in (dashed, signal_) if n is not None), None)
    for target in targets:
        if isinstance(target, str):
            found, place, otherwise = container, target, signal.SIGTERM
        else:
            found, place, otherwise = target, None, signal.SIGKILL
        number = int(otherwise) if asked is None else asked
        for process in found.kill(place, number):
            yield f"{found.label}: {signal_name(number)} sent to {process.pid}"
