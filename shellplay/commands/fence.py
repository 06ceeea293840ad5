"""fence, limit, peel, fences: apply fences, change limits, remove fences, and list them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.argument_types.fences import (
    ALL,
    AppliedFences,
    Chosen,
    FenceWords,
    LimitWords,
    effect,
    lacking,
)
from shellplay.cmdline.arguments import Option, Target
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import Changed, Document, Outcome
from shellplay.cmdline.registry import command
from shellplay.errors import Refused, UsageError
from shellplay.playground.playground import Playground
from shellplay.views.sanitize import safe_line

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.fences import Fence

# More code than that is not read at a question.
MOST_LINES = 200


KINDS = FenceWords("KIND", "fences to put up, with options")


def _on_host(words: Sequence[str]) -> Iterator[str]:
    for each in KINDS.parse(words, Playground()).fences:
        yield from each.host_effects()


@command("fence", group="fences", host=_on_host, aliases=("unshare",))
def fence(
    front: Front,
    recording: Recording,
    container: Annotated[Container, Target(creates=True)],
    kinds: Annotated[Chosen, KINDS],
) -> Iterator[Outcome]:
    """Put fences around the live bash, which goes on with all it has.

    The namespaces are user mnt uts ipc net pid cgroup time; root gives it files of its own,
    and proc sys dev show less of the kernel; caps, nnp, seccomp and landlock take away what
    a process may do, become, call or open, and userns-lock new user namespaces; memory cpu
    pids io cpuset limit what all of it uses, and rlimit what each process does. Each has
    options of its own (help uts tells those of uts), and join=CONTAINER shares the
    namespace of another container.
    A fence goes on in place if it can come off in place; otherwise the bash forks and the
    original waits outside.

    Examples:
        fence pid
        fence uts ipc net            # three at once
        fence uts hostname=web       # with a name of its own
        fence pid mnt --no-proc      # keep the host's /proc in view
        fence root overlay           # the host's files, and rm -rf hurts none
        fence caps docker            # leave Docker's 14 capabilities
        fence memory 64M cpu 0.5     # limits, which limit changes and stats watches
        fence seccomp docker         # filter calls as Docker does
        fence userns-lock            # nobody inside makes a user namespace
        fence rlimit nofile=64       # at most 64 open files each
        fence landlock write=/tmp    # files change below /tmp only
        fence net bridge             # with addresses, a way out, and names (root)
        fence net join=db            # share the net of container db, as a pod does
        fence docker                 # all that docker run puts up, one by one
    """
    yield from (f"{container.label}: {note}" for note in kinds.notes)
    # Reading all layers takes longer than applying one fence.
    records = container.fences() if kinds.preset else []
    up = {each.fence: each for each in records if each.up and each.fence in kinds.preset}
    for one in kinds.fences:
        if one.kind in up:
            yield f"{container.label}: {one.kind} is fenced already{lacking(up[one.kind])}"
            continue
        try:
            yield Changed(container.fence(one), container.label)
        except Refused as error:
            if one.kind not in kinds.preset:
                raise
            yield f"{container.label}: {one.kind} is left out: {error}"
            continue
        # A person reads what it does; a recipe says that itself.
        teaches = front.asks and not recording.name
        if teaches or one.kind in kinds.preset:
            yield f"  {effect(one.kind)}"
        if teaches and one is kinds.fences[-1]:
            yield _what_next(kinds, one)


def _what_next(kinds: Chosen, last: Fence) -> str:
    """Return a line to try the fence that went up last, and how to take all of them off."""
    off = "all" if kinds.preset else " ".join(each.kind for each in reversed(kinds.fences))
    trial = "look" if kinds.preset else last.trial
    return f"  try: {trial}    undo: peel {off}"


@command("limit", group="fences", host=None, aliases=("update",))
def limit(
    container: Annotated[Container, Target()],
    kinds: Annotated[Chosen, LimitWords("KIND", "limits to change, with values")],
) -> Iterator[Outcome]:
    """Change limits that are up, while everything inside runs on.

    What a line does not name stays as it is.

    Examples:
        limit memory 128M
        limit cpu 2 pids 100
        limit io write=5M            # read= stays
    """
    for one in kinds.fences:
        yield Changed(container.limit(one), container.label)


def _code_on_host(words: Sequence[str]) -> Iterator[str]:
    if "--code" in words:
        yield "runs code that was written behind a fence"


@command("peel", group="fences", host=_code_on_host)
def peel(
    front: Front,
    recording: Recording,
    container: Annotated[Container, Target()],
    kinds: Annotated[tuple[str, ...], AppliedFences("KIND|all", "fences to take off")] = (),
    *,
    force: Annotated[bool, Option("even if jobs, or the state, are lost", short="-f")] = False,
    code: Annotated[bool, Option("carry functions, traps and all that is code, too")] = False,
) -> Iterator[Outcome]:
    """Take fences off the live bash again; what was written inside is not executed outside.

    A fence that came on in place comes off in place, and the bash goes on with all it has.
    Below a one-way fence the bash that waits outside goes on, and data is carried over:
    directory, history, and the values of variables.
    user, pid, root, caps, nnp, seccomp and landlock let no code out by themselves:
    functions, aliases, traps, completions, options, a half-typed line, and variables that
    bash or programs look up (PATH, PS1, EDITOR). Nor do they change an exported variable,
    or export one. You are asked about those; without a terminal they stay, and are named.
    --code carries all of it; use it only if you trust what ran inside.
    If jobs would be lost, or bash does not answer, nothing is done without -f.
    If the bash inside a one-way fence has ended, the one outside waits: peel alone goes on
    with that.

    Examples:
        peel
        peel net
        peel pid -f
        peel user --code
        peel all
    """
    ended = container.ended
    if ended:
        container.go_on_outside(force=force)
        yield f"{container.label}: bash {container.pid} goes on, outside {', '.join(ended)}"
        kinds = tuple(kind for kind in kinds if kind not in ended)
    elif not kinds:
        raise UsageError("peel needs KIND|all", "fences lists what is up")
    if kinds == (ALL,):
        container.require_alive()
        kinds = container.way_back.kinds
        if not kinds:
            yield f"{container.label}: no fence is up"
    for kind in kinds:
        change = container.peel(kind, force=force, code=code)
        scripts = container.way_back.code
        # Who cannot read what would run is not asked.
        lines = [line for script in scripts for line in script.splitlines()]
        if not lines or not front.asks or recording.name or len(lines) > MOST_LINES:
            yield Changed(change, container.label)
            continue
        yield Changed(change.changed(withheld=()), container.label)
        yield "\n".join(["  code from inside:", *(f"    {safe_line(line)}" for line in lines)])
        if not front.confirm("Run it outside?"):
            yield f"{container.label}: it stays behind"
            continue
        found = container.way_back.carry_code()
        if found.restored:
            yield f"{container.label}: carried: {', '.join(map(safe_line, found.restored))}"
        if found.failed:
            yield f"{container.label}: left behind: {', '.join(map(safe_line, found.failed))}"


@command("fences", group="fences", host=None, json=True, alone=True)
def fences(
    container: Annotated[Container | None, Target(optional=True)],
    *,
    all_: Annotated[
        bool, Option("all layers, also those that are the host's", short="-a")
    ] = False,
    verbose: Annotated[bool, Option("the inode numbers of namespaces too", short="-v")] = False,
) -> Iterator[Outcome]:
    """List the fences that are up, and how each of them comes off.

    It is read from /proc at that moment. Without a container it lists the layers of the
    host. look shows the fences as a picture.

    Examples:
        fences
        fences -a -v
        fences -c db
        fences --json
    """
    label = container.label if container else "host"
    from shellplay.container import facts

    records = container.fences() if container else facts.of_the_host()

    def view() -> object:
        from shellplay.views.fences import Fences

        return Fences(records, label, all_=all_, inodes=verbose)

    yield Document("fences", lambda: {"container": label, "fences": records}, view)
