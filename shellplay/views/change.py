"""What a fence or a peel did, in sentences."""

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
    """Return what changed, what came along and what did not; ``label`` is the container's.

    Changes that had to come before are told before.
    """
    told = [f"first, {line}" if not line.startswith(" ") else line for line in _first(change)]
    prefix = f"{safe_line(label)}: " if label else ""
    told.append(prefix + _headline(change))
    if change.carried:
        told.append(f"  carried: {_listed(change.carried)}")
    if change.left:
        told.append(f"  left behind: {_listed(change.left)}")
    told += [f"  {safe_line(note)}" for note in change.notes]
    return told


def _first(change: Change) -> list[str]:
    return [line for before in change.first for line in lines(before)]


def _headline(change: Change) -> str:
    how = HOW[change.how]
    if change.verb == "limit":
        return f"{change.fence} limit changed{_where(change)}, {_fenced(change)}"
    if change.verb == "peel":
        return f"{change.fence} fence off ({how}){_where(change)}, {_peeled(change)}"
    return f"{change.fence} fence up ({how}){_where(change)}, {_fenced(change)}"


def _where(change: Change) -> str:
    where = change.namespace or change.state
    return f", {where}" if where else ""


def _fenced(change: Change) -> str:
    now, before = change.after, change.before
    if now.pid == before.pid and now.inside == before.inside:
        return f"bash goes on as {_identity(now)}"
    return f"bash is {_identity(now)}"


def _peeled(change: Change) -> str:
    if change.after.pid == change.before.pid:
        return f"bash goes on as {_identity(change.after)}"
    return f"bash is {'again ' * change.woken}{_identity(change.after)}"


def _identity(bash: ShellIdentity) -> str:
    if len(bash.inside) < 2:
        return f"{bash.pid} on the host"
    return f"{bash.inside[-1]} inside, {bash.pid} on the host"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(safe_line, names))
