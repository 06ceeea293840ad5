"""The picture of the fences: nested boxes where there is room, lines where there is not."""

from __future__ import annotations

import io
import json

import pytest

from shellplay.cmdline.printer import Printer
from shellplay.model import Layer, Parked, Picture, ShellIdentity
from shellplay.views import json as documents
from shellplay.views import look, text_width
from shellplay.views.render import render
from tests.views.samples import HOSTILE, INSIDE

PID = Layer("pid", "namespaces", "2 of the host's 90 processes")
UTS = Layer("uts", "namespaces", 'host name "web"', ("db",))
WEB = Picture(
    "web",
    "vm",
    90,
    (PID, UTS),
    ShellIdentity(4242, (4242, 1)),
    tuple(INSIDE[1::-1]),
    (Parked(4110, ("pid",)),),
    ("user", "net"),
    ("db",),
)
FAMILIES = {
    "namespaces": "mnt uts ipc net pid cgroup",
    "files": "root proc sys dev",
    "limits": "memory cpu pids rlimit",
    "privileges": "seccomp caps nnp landlock userns-lock",
}
FULL = WEB.changed(
    layers=tuple(
        Layer(kind, family, f"what {kind} has")
        for family, kinds in FAMILIES.items()
        for kind in kinds.split()
    )
)


def shown(picture: Picture, width: int) -> list[str]:
    """Return the lines without colours."""
    return render(look.Boxes(picture), width, color=False).splitlines()


def test_each_fence_is_a_box_around_the_next_with_the_bash_in_the_middle() -> None:
    top, pid, uts, bash, job, *_ = shown(WEB, 80)
    assert top.startswith("╭─ host vm ─ 90 processes ─")
    assert pid.startswith("│ ╭─ pid ─ 2 of the host's 90 processes ─")
    assert uts.startswith('│ │ ╭─ uts ─ host name "web" (shared with db) ─╮')
    assert bash.startswith("│ │ │ 1  bash  4242 on the host ")
    assert job.startswith("│ │ │ 7  sleep 1000  4250 on the host ")
    assert shown(WEB, 80)[-3:] == [
        "parked: bash 4110 outside pid",
        "web: 2 fences up; as on the host: user net",
        "other containers: db",
    ]


@pytest.mark.parametrize("width", [110, 80])
def test_every_line_of_a_box_ends_in_its_border(width: int) -> None:
    for picture in (WEB, FULL):
        boxes = [line for line in shown(picture, width) if line[0] in "╭│╰"]
        assert len({text_width.width(line) for line in boxes}) == 1
        assert all(line[-1] in "╮│╯" for line in boxes)


@pytest.mark.parametrize("width", [110, 80, 60, 40])
def test_the_picture_of_all_fences_fits_into_a_terminal_and_cuts_no_fence(width: int) -> None:
    lines = shown(FULL, width)
    assert all(text_width.width(line) <= width for line in lines)
    words = " ".join(lines).replace("│", " ").split()
    assert not {layer.fence for layer in FULL.layers} - {word.strip(":,;") for word in words}
    if width >= 80:
        assert len(lines) <= look.MOST_ROWS


def test_a_narrow_terminal_has_a_line_for_each_fence_and_no_box() -> None:
    assert shown(WEB, 40)[:4] == [
        "host vm: 90 processes",
        "└ pid: 2 of the host's 90 processes",
        ' └ uts: host name "web" (shared with db)',
        "  └ 1  bash  4242 on the host",
    ]


def test_limits_share_a_box_and_so_do_restrictions_that_stand_together() -> None:
    mixed = (
        Layer("memory", "limits", "64M"),
        PID,
        Layer("pids", "limits", "20"),
        Layer("caps", "privileges", "14 of 41 capabilities"),
        Layer("nnp", "privileges", "setuid programs gain nothing"),
    )
    boxes = look.boxes_of(mixed, folded=False)
    assert [(box.title, box.fences) for box in boxes] == [
        ("limits", ("memory", "pids")),
        ("pid", ("pid",)),
        ("caps nnp", ("caps", "nnp")),
    ]
    assert boxes[0].words == "memory 64M, pids 20"


def test_names_from_inside_reach_no_terminal_as_they_are() -> None:
    hostile = WEB.changed(
        host=HOSTILE,
        label=HOSTILE,
        layers=(UTS.changed(contents=HOSTILE, shared_with=(HOSTILE,)),),
        processes=tuple(INSIDE),
        others=(HOSTILE,),
    )
    for width in (110, 40):
        text = render(look.Boxes(hostile), width, color=False)
        assert text.replace("\n", "").isprintable()


def test_an_encoding_without_lines_gets_ascii_ones() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    Printer(out, out, color=False).show(look.Boxes(WEB))
    assert raw.getvalue().startswith(b"+- host vm - 90 processes -")


def test_without_a_container_only_the_host_is_drawn() -> None:
    assert shown(Picture(None, "vm", 90), 80) == [
        "╭─ host vm ─ 90 processes ─────────╮",
        "│ no container yet: new starts one │",
        "╰──────────────────────────────────╯",
    ]
    gone = WEB.changed(layers=(), bash=None, processes=(), parked=(), others=())
    assert "its bash has ended" in "".join(shown(gone, 80))


def test_the_document_nests_as_the_boxes_do() -> None:
    found = json.loads(documents.document("look", look.nested(WEB)))
    assert found["host"]["box"]["fence"] == "pid"
    assert found["host"]["box"]["box"]["shared_with"] == ["db"]
    assert found["host"]["box"]["box"]["box"] is None
    assert found["parked"] == [{"pid": 4110, "fences": ["pid"]}]
