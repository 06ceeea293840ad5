"""A performance made by hand: an article of three sections with every kind of event."""

from __future__ import annotations

from collections.abc import Iterator

from shellplay.cast.events import (
    Ended,
    Event,
    Heading,
    Narration,
    Output,
    Prompt,
    Scene,
    Typed,
)

LAYERS = ("user", "mnt", "uts", "ipc", "net", "pid", "cgroup", "time")
HOST_INODE = 4026531830
COLUMNS, ROWS = 80, 12


def fences(*up: str, shared: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Return fence records with ``up`` fenced, and ``shared`` with the container db."""
    return [
        {
            "fence": layer,
            "up": layer in up,
            "how": "forked" if layer == "pid" and layer in up else None,
            "namespace": {
                "host": HOST_INODE + place,
                "shell": HOST_INODE + place + (400 if layer in up else 0),
            },
            "peel": "in place" if layer in up else None,
            "options": {"hostname": "web"} if layer == "uts" and layer in up else {},
            "shared_with": ["db"] if layer in shared else [],
        }
        for place, layer in enumerate(LAYERS)
    ]


def container(label: str, pid: int, *up: str, **more: object) -> dict[str, object]:
    """Return a container record with its fences."""
    shared = ("net",) if more.pop("shares", False) else ()
    return {
        "id": f"{pid:012x}",
        "name": label,
        "label": label,
        "current": label == "web",
        "pid": pid,
        "inside": [pid, 1] if "pid" in up else [pid],
        "state": "idle",
        "parked": int("pid" in up),
        "fences": fences(*up, shared=shared),
        **more,
    }


def process(
    pid: int, ppid: int, role: str, command: str, *inside: int, of: str | None = "web"
) -> dict[str, object]:
    """Return a process record."""
    return {
        "pid": pid,
        "ppid": ppid,
        "inside": [pid, *inside],
        "container": of,
        "role": role,
        "command": command,
        "state": "T" if role == "parked" else "S",
        "uid": 0,
        "namespace": HOST_INODE + 5 + (400 if inside else 0),
    }


BASE = (
    process(1, 0, "host", "/sbin/init", of=None),
    process(32008, 32007, "repl", "/usr/bin/python3 -m shellplay", of=None),
    process(32009, 32008, "playground", "shellplay: playground", of=None),
)
FENCED = (
    *BASE,
    process(32011, 32009, "parked", "bash"),
    process(32012, 32011, "shell", "bash", 1),
)


def performance() -> Iterator[Event]:
    """Yield the events of nine seconds."""
    yield Heading(0.0, "A bash without a fence", 1)
    yield Narration(0.0, "A new container is a **bash** with *no fence* at all: `new`.")
    yield Prompt(0.5, "shellplay> ")
    yield Typed(1.0, "new web\n")
    yield Output(1.2, "web: bash 32011, no fences\n")
    yield Scene(
        1.3,
        "new web",
        (container("web", 32011),),
        (*BASE, process(32011, 32009, "shell", "bash")),
    )
    yield Heading(2.5, "A fence around its PIDs", 2)
    yield Narration(2.5, "Now put a fence around it, see pid_namespaces(7).\n\n- one\n- two")
    yield Prompt(3.0, "shellplay> ")
    yield Typed(3.5, "fence pid\n")
    yield Output(3.7, "web: pid fence up (forked), pid:[4026532235], bash is 1 inside\n")
    yield Scene(3.8, "fence pid", (container("web", 32012, "pid"),), FENCED)
    yield Prompt(4.0, "root@web:/# ")
    yield Typed(4.5, "spawn sleep 1000 &\n")
    yield Output(4.6, "\x1b[1mbold\x1b[0m \x1b[38;5;208morange\x1b[0m \x1b[32mgreen\x1b[0m\n")
    yield Scene(
        4.7,
        "spawn sleep 1000 &",
        (
            container("web", 32012, "pid", "net", "uts", shares=True),
            container("db", 32019, "net"),
        ),
        (
            *FENCED,
            process(32014, 32012, "job", "sleep 1000", 3),
            process(32019, 32009, "shell", "bash", of="db"),
        ),
    )
    yield Heading(6.0, "What cannot <break> out", 2)
    yield Prompt(6.5, "root@web:/# ")
    yield Typed(7.0, "echo\n")
    yield Output(7.2, "</script><script>document.title='broken'</script><!--\n")
    yield Scene(
        7.3, "echo </script>", (container("web", 32012, "pid"),), (*FENCED, HOSTILE_PROCESS)
    )
    yield Ended(9.0, 0)


HOSTILE_PROCESS = process(32030, 32012, "job", "</script><img src=x onerror=alert(1)>", 9)
