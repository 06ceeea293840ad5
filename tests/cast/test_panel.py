"""What the panel says of a step."""

from __future__ import annotations

from shellplay.cast.events import Scene
from shellplay.cast.panel import changes, panel
from tests.cast.performance import BASE, FENCED, container, performance, process

SCENES = [event for event in performance() if isinstance(event, Scene)]


def scene(*containers: dict[str, object], processes: tuple[dict[str, object], ...]) -> Scene:
    """Return a scene without a label."""
    return Scene(0, "", containers, processes)


def test_the_first_scene_says_what_there_is() -> None:
    assert list(changes(None, SCENES[0])) == ["web is new"]


def test_fences_and_processes_that_come_are_told() -> None:
    assert list(changes(SCENES[0], SCENES[1])) == [
        "web is fenced by pid",
        "bash is 32012 on the host, 1 inside",
    ]


def test_fences_processes_and_containers_that_go_are_told() -> None:
    before = scene(container("web", 1, "net", "pid"), container("db", 2), processes=FENCED)
    after = scene(container("web", 1, "pid"), processes=BASE)
    assert list(changes(before, after)) == [
        "web has net of the host again",
        "db is gone",
        "bash (32011) has ended",
        "bash (32012) has ended",
    ]


def test_processes_of_the_host_are_left_out() -> None:
    facts = panel(SCENES[0], None)
    assert isinstance(facts["processes"], list)
    assert [each["pid"] for each in facts["processes"]] == [32008, 32009, 32011]


def test_names_and_commands_cannot_hold_control_characters() -> None:
    hostile = process(5, 1, "job", "sh -c \x1b]0;x\x07 \u202e" + "y" * 500)
    facts = panel(scene(container("a\x1b[2J", 1), processes=(hostile,)), None)
    assert "\x1b" not in str(facts)
    assert isinstance(facts["processes"], list)
    assert facts["processes"][0]["command"].startswith(r"sh -c \x1b]0;x\x07 \u202eyyy")
    assert len(facts["processes"][0]["command"]) == 160


def test_records_that_lack_things_are_shown_as_far_as_they_go() -> None:
    facts = panel(scene({"label": "x", "fences": [{"fence": "pid"}]}, processes=({},)), None)
    assert facts["containers"] == [
        {
            "label": "x",
            "current": False,
            "pid": None,
            "inside": [],
            "state": "",
            "parked": None,
            "fences": [
                {
                    "fence": "pid",
                    "up": False,
                    "how": "",
                    "inode": None,
                    "options": "",
                    "shared": [],
                }
            ],
        }
    ]
