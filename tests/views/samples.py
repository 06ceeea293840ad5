"""Values as the engine passes them to the views: one playground with two containers."""

from __future__ import annotations

from dataclasses import dataclass

from shellplay.model import FenceRecord, How, Process, ProcessDetails, Role, Usage

HOST = 4026531836
WEB = 4026532399
NESTED = 4026532500
HOSTILE = "sh -c \x1b]0;owned\x07\n\udcff"


@dataclass(frozen=True)
class Taken:
    """A snapshot."""

    processes: list[Process]
    folded: int


def process(
    pid: int, ppid: int, command: str, role: Role, container: str | None, *inside: int
) -> Process:
    """Return a process record; ``inside`` are its PIDs and its PID namespace."""
    namespace = (HOST, WEB, NESTED)[len(inside)]
    state = "T" if role is Role.PARKED else "S"
    return Process(pid, ppid, (pid, *inside), state, 1000, command, container, role, namespace)


PLAYGROUND = Taken(
    [
        process(4100, 3990, "shellplay", Role.REPL, None),
        process(4104, 4100, "playground", Role.PLAYGROUND, None),
        process(4110, 4104, "bash", Role.PARKED, "web"),
        process(4242, 4110, "bash", Role.SHELL, "web", 1),
        process(4250, 4242, "sleep 1000", Role.JOB, "web", 7),
        process(4300, 4242, HOSTILE, Role.JOB, "web", 9, 1),
        process(4111, 4104, "bash", Role.SHELL, "db"),
    ],
    143,
)
USAGES = [
    Usage("web", False, 3, "50", 0, 13_107_200, 67_108_864, "64M", 1, 1.5, "0.5", 0.25, 0, 4096,
          "254:0 read 10M", None),
    Usage("db\x1b[1m", True, 1, None, None, None, None, None, None, None, None, None, None,
          None, None, None),
]  # fmt: skip
SUMMED = Usage(
    "new", False, 2, None, None, 4_194_304, None, None, None, 0.25, None, None, None, None,
    None, None, ("processes", "memory", "cpu_seconds"),
)  # fmt: skip
INSIDE = [each for each in PLAYGROUND.processes if len(each.inside) > 1]
LONG = [
    INSIDE[0].changed(details=ProcessDetails("root", 0.0, 4_366_336, 1.0)),
    INSIDE[1].changed(details=ProcessDetails("al\x1b[1mice", 12.34, 1024, 86_400.0)),
    INSIDE[2].changed(details=ProcessDetails(None, None, None, None)),
]
RECORDS = [
    FenceRecord("user", up=False, host=4026531837, shell=4026531837),
    FenceRecord(
        "uts", True, How.IN_PLACE, 4026531838, 4026532398, "in place", {"hostname": "web"}
    ),
    FenceRecord("pid", True, How.FORKED, HOST, WEB, "wakes 4110", {}, ("db",)),
    FenceRecord("net", True, How.IN_PLACE, 4026531833, None, "in place"),
]
ROWS: list[dict[str, object]] = [
    {
        "id": "a1b2c3d4e5f6",
        "name": "web",
        "label": "web",
        "current": True,
        "pid": 4242,
        "inside": [4242, 1],
        "state": "idle",
        "parked": 1,
        "fences": ["uts", "pid"],
    },
    {
        "id": "b1b2c3d4e5f6",
        "name": "box1",
        "label": "box1",
        "current": False,
        "pid": 4111,
        "inside": [4111],
        "state": "busy",
        "parked": 0,
        "fences": [],
    },
]
