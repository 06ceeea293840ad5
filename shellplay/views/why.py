"""The answer of ``why``: what was refused, by what, and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shellplay.views.sanitize import safe_line
from shellplay.views.wrap import wrap

LONGEST = 300


def answer(facts: Mapping[str, Any], width: int) -> str:
    """Return the lines for one answer, in the shape of docs/json.md."""
    return "\n".join(wrap(safe_line(line)[:LONGEST], width) for line in _lines(facts))


def _lines(facts: Mapping[str, Any]) -> Iterable[str]:
    call, held_back = facts["call"], facts["held_back"]
    if call:
        yield from _refusal(facts, call)
    elif not held_back:
        ended = facts["status"]
        if ended is None:
            yield "the line did not end, and no call was refused before that"
        else:
            yield f"no call was refused; exit status {ended}"
    if held_back:
        yield f"held back: {held_back['program']} was about to call {_call(held_back)}"
        if held_back["name"].startswith(("clone", "call ")):
            yield "  why could not follow what that starts, so it is never made"
        else:
            yield "  it would have changed that; run it in spite of that: why --yes LINE"


def _refusal(facts: Mapping[str, Any], call: Mapping[str, Any]) -> Iterable[str]:
    yield f"{call['program']} called {_call(call)}: {call['error']}, {call['reason']}"
    fences, capability = facts["fences"], facts["capability"]
    if fences:
        noun = "the fence" if len(fences) == 1 else "the fences"
        took = f", which took CAP_{capability.upper()}" if capability else ""
        yield f"cause: {noun} {' and '.join(fences)}{took}"
        if facts["rule"]:
            yield f"rule: {facts['rule']}"
        without = "it" if len(fences) == 1 else "them"
        yield f"proof: without {without} the same call passes ({facts['trials']} trials)"
    elif facts["unproven"]:
        yield f"cause: {facts['host']} (not proven: {facts['unproven']})"
    else:
        yield f"cause: no fence; {facts['host']}"
        yield f"proof: without any fence the call fails as well ({facts['trials']} trials)"
    for fix in facts["fixes"]:
        yield f"try: {fix}"
    for name in ("docker", "kubernetes"):
        if facts[name]:
            yield f"{name}: {', '.join(facts[name])}"
    for other in facts["others"]:
        yield f"also refused: {other['program']} {_call(other)}: {other['error']}"


def _call(call: Mapping[str, Any]) -> str:
    return f"{call['name']}({', '.join(map(str, call['arguments']))})"
