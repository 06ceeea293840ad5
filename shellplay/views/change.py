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
    if change.left:
        found.append(f"  left behind: {_joined(change.left)}")
    if change.withheld:
        how = f"peel --code {change.fence} carries code, too"
        found.append(f"  not carried: {_joined(change.withheld)} ({how})")
    found += [f"  {safe_line(note)}" for note in change.notes]
    return found


def _first(change: Change) -> list[str]:
    return [line for before in change.first for line in lines(before)]


def _headline(change: Change) -> str:
    how = HOW[change.how]
    fact = change.namespace or change.state
    fact = f", {fact}" if fact else ""
    if change.verb == "limit":
        return f"{change.fence} limit changed{fact}, {_bash_after_fence(change)}"
    if change.verb == "peel":
        return f"{change.fence} fence off ({how}){fact}, {_bash_after_peel(change)}"
    return f"{change.fence} fence up ({how}){fact}, {_bash_after_fence(change)}"


def _bash_after_fence(change: Change) -> str:
    now, before = change.after, change.before
    if now.pid == before.pid and now.inside == before.inside:
        return f"bash goes on as {_identity(now)}"
    return f"bash is {_identity(now)}"


def _bash_after_peel(change: Change) -> str:
    if change.after.pid == change.before.pid:
        return f"bash goes on as {_identity(change.after)}"
    return f"bash is {'again ' * change.woken}{_identity(change.after)}"


def _identity(bash: ShellIdentity) -> str:
    if len(bash.inside) < 2:
        return f"{bash.pid} on the host"
    return f"{bash.inside[-1]} inside, {bash.pid} on the host"


def _joined(names: tuple[str, ...]) -> str:
    return ", ".join(map(safe_line, names))
