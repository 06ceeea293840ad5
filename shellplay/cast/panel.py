"""The panel of a page: the fences and processes after a step, and what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeGuard

from shellplay.cast.events import Scene
from shellplay.views.sanitize import safe_line

Record = Mapping[str, object]
MAX_COMMAND = 160
MAX_CHANGES = 8
HOST_ROLE = "host"


def panel(scene: Scene, before: Scene | None) -> dict[str, object]:
    """Return a scene as JSON: its facts, and a sentence for each change since ``before``.

    ``before`` is None for the first scene.
    """
    return {
        "time": round(scene.time, 3),
        "label": safe_line(scene.label),
        "changes": list(islice(changes(before, scene), MAX_CHANGES)),
        "containers": [_container(record) for record in scene.containers],
        "processes": [_process(record) for record in playground_processes(scene)],
    }


def playground_processes(scene: Scene) -> list[Record]:
    """Return the processes of the playground; the scene has those of the host as well."""
    return [each for each in scene.processes if each.get("role") != HOST_ROLE]


def changes(before: Scene | None, after: Scene) -> Iterator[str]:
    """Yield a sentence for each change between two scenes.

    A change is a container, a fence or a process that is new or gone.  For the first scene
    (``before`` is None), all containers and fences are new, and processes are left out.
    """
    old = {_text(each, "label"): each for each in before.containers} if before else {}
    new = {_text(each, "label"): each for each in after.containers}
    for label, record in new.items():
        if label not in old:
            yield f"{label} is new"
        old_fences, new_fences = _fences_up(old.get(label, {})), _fences_up(record)
        if added := [fence for fence in new_fences if fence not in old_fences]:
            yield f"{label} is fenced by {', '.join(added)}"
        if removed := [fence for fence in old_fences if fence not in new_fences]:
            yield f"{label} has {', '.join(removed)} of the host again"
    yield from (f"{label} is gone" for label in old if label not in new)
    if before is not None:
        yield from _process_changes(playground_processes(before), playground_processes(after))


def _process_changes(before: Sequence[Record], after: Sequence[Record]) -> Iterator[str]:
    old, new = ({each.get("pid"): each for each in records} for records in (before, after))
    for pid, record in new.items():
        if pid not in old:
            inside = _inside(record)
            inner_pid = f", {inside[-1]} inside" if len(inside) > 1 else ""
            yield f"{_command(record)} is {pid} on the host{inner_pid}"
    yield from (f"{_command(old[pid])} ({pid}) has ended" for pid in old if pid not in new)


def _container(record: Record) -> dict[str, object]:
    return {
        "label": _text(record, "label"),
        "current": record.get("current") is True,
        "pid": record.get("pid"),
        "inside": _inside(record),
        "state": _text(record, "state"),
        "parked": record.get("parked"),
        "fences": [_fence(each) for each in _records(record, "fences")],
    }


def _fence(record: Record) -> dict[str, object]:
    namespace = record.get("namespace")
    inodes = namespace if isinstance(namespace, Mapping) else {}
    options = record.get("options")
    options = options if isinstance(options, Mapping) else {}
    shared = record.get("shared_with")
    return {
        "fence": _text(record, "fence"),
        "up": record.get("up") is True,
        "how": _text(record, "how"),
        "inode": inodes.get("shell") or inodes.get("host"),
        "options": safe_line(" ".join(f"{name}={value}" for name, value in options.items())),
        "shared": [safe_line(str(each)) for each in shared] if _is_list(shared) else [],
    }


def _process(record: Record) -> dict[str, object]:
    return {
        "pid": record.get("pid"),
        "ppid": record.get("ppid"),
        "inside": _inside(record),
        "container": _text(record, "container"),
        "role": _text(record, "role"),
        "state": _text(record, "state"),
        "command": _command(record),
    }


def _fences_up(record: Record) -> list[str]:
    return [_text(each, "fence") for each in _records(record, "fences") if each.get("up")]


def _inside(record: Record) -> list[object]:
    inside = record.get("inside")
    return list(inside) if isinstance(inside, Sequence) else []


def _records(record: Record, name: str) -> list[Record]:
    value = record.get(name)
    return [each for each in value if isinstance(each, Mapping)] if _is_list(value) else []


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return "" if value is None else safe_line(str(value))


def _command(record: Record) -> str:
    command = _text(record, "command")
    short = command[: MAX_COMMAND - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return command if len(command) <= MAX_COMMAND else short
