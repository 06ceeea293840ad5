"""why: find the call that was refused, and prove which fences refused it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.arguments import Option, Rest, Seconds, Target
from shellplay.cmdline.outcomes import Document, Outcome, Page
from shellplay.cmdline.registry import command
from shellplay.errors import Refused
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.refusal.answer import Answer
    from shellplay.refusal.call import RefusedCall

USUAL_SECONDS = 10.0


@command("why", group="looking", host=None, inside=True, json=True)
def why(
    playground: Playground,
    container: Annotated[Container, Target()],
    line: Annotated[
        str | None, Rest("LINE", "the line to explain; the last one that failed if not given")
    ] = None,
    *,
    yes: Annotated[bool, Option("make the changes of the line, too", short="-y")] = False,
    timeout: Annotated[
        float | None, Option("stop waiting after so long", argument=Seconds("SECONDS", "time"))
    ] = None,
) -> Iterator[Outcome]:
    """Explain why the kernel refused a line, and prove which fences are the cause.

    The line runs in a copy of the live bash, behind the same fences, and shellplay follows its
    system calls. The refused call is then repeated without one fence after another: the cause
    are the fences without which it passes. The live bash notices nothing.

    A call that would change a file or the machine is not made a second time: why says which
    one it is, and ends there. With --yes it is made.

    Examples:
        why mount -t tmpfs none /mnt
        why                          # the last line of in that failed
        why --json ping -c1 127.0.0.1
    """
    from shellplay.refusal.answer import explain_line

    wanted = line or playground.failed_lines.get(container.id)
    if not wanted:
        raise Refused("why: no line has failed yet", "why LINE, as in why chroot /")
    limit = USUAL_SECONDS if timeout is None else timeout
    found = explain_line(container.trials, wanted, may_change=yes, timeout=limit)
    facts = _facts(found)

    def view() -> object:
        from shellplay.views.why import answer

        return Page(lambda width: answer(facts, width))

    yield Document("why", lambda: facts, view)


def _facts(found: Answer) -> dict[str, object]:
    proof = found.proof
    return {
        "line": found.line,
        "status": found.status,
        "call": _call(found.call),
        "fences": list(proof.fences),
        "capability": proof.capability,
        "trials": proof.trials,
        "unproven": proof.unproven,
        "rule": found.rule,
        "host": found.host,
        "fixes": list(found.fixes),
        "docker": list(found.docker),
        "kubernetes": list(found.kubernetes),
        "others": [_call(each) for each in found.others],
        "held_back": _call(found.held_back),
        "seconds": round(found.seconds, 3),
    }


def _call(call: RefusedCall | None) -> dict[str, object] | None:
    if call is None:
        return None
    return {
        "program": call.program,
        "name": call.name,
        "arguments": list(call.shown),
        "errno": call.errno,
        "error": call.code,
        "reason": call.reason,
        "paths": list(call.paths),
        "message": call.message,
    }
