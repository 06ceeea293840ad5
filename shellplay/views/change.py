"""The sentences that describe a change: a fence put up or taken off, or a new limit."""

from __future__ import annotations

from shellplay.model import Change, How, ShellIdentity
from shellplay.views.sanitize import safe_line

HOW = {
    How.IN_PLACE: "in place",
    How.FORKED: "forked",
    How.OUTSIDE: "from outside",
    How.RESPAWNED: "respawned",
}


def lines(change: Change, label: str = "") -> list[str]:
    """Return the lines for a change; ``label`` is that of the container, "" for none.

    They name the change, the state of the bash that was carried over, and the state that was
    lost, or stayed behind as code.  Changes that were necessary first come first.
    """
    found = [f"first, {line}" if not line.startswith(" ") else line for line in _first(change)]
    prefix = f"{safe_line(label)}: " if label else ""
    found.append(prefix + _headline(change))
    if change.carried:
        found.append(f"  carried: {_joined(change.carried)}")
    if change.ended:
        found.append(f"  ended: {_joined(change.ended)}")
    if change.left:
        found.append(f"  left behind: {_joined(change.left)}")
    if change.withheld:
        how = f"peel --code {change.fence} carries code, too"
        found.append(f"  not carried: {_joined(change.withheld)} ({how})")
    found += [f"  {safe_line(note)}" for note in change.notes]
    return found


def details(change: Change) -> list[str]:
    """Return the parts of the lines that only a reader of the kernel needs: how, and where."""
    return [*(each for before in change.first for each in details(before)), _details(change)]


def _first(change: Change) -> list[str]:
    return [line for before in change.first for line in lines(before)]


def _headline(change: Change) -> str:
    kind, state = change.fence, f"{change.state}, " if change.state else ""
    if change.verb == "limit":
        return f"{kind} limit is now {change.state}"
    if change.verb == "peel":
        told = f"{kind} fence is off: {state}{_bash_after_peel(change)}"
    else:
        told = f"{kind} fence is up: {state}{_bash_after_fence(change)}"
    return f"{told} {_details(change)}"


def _details(change: Change) -> str:
    if change.verb == "limit":
        return ""
    namespace = f", {change.namespace}" if change.namespace else ""
    return f"({HOW[change.how]}{namespace})"


def _bash_after_fence(change: Change) -> str:
    now, before = change.after, change.before
    if now.pid == before.pid and now.inside == before.inside:
        return f"bash keeps running as {_identity(now)}"
    return f"bash is {_identity(now)}"


def _bash_after_peel(change: Change) -> str:
    if change.after.pid == change.before.pid:
        return f"bash keeps running as {_identity(change.after)}"
    return f"bash is {_identity(change.after)}{' again' * change.woken}"


def _identity(bash: ShellIdentity) -> str:
    if len(bash.inside) < 2:
        return f"PID {bash.pid} on the host"
    return f"PID {bash.inside[-1]} inside, {bash.pid} on the host"


def _joined(names: tuple[str, ...]) -> str:
    return ", ".join(map(safe_line, names))
