"""Containers without a name get one that can be said, and keep their id."""

from __future__ import annotations

import re

from shellplay.playground.playground import Playground
from tests.commands.test_lesson import told


def test_each_gets_the_lowest_number_that_is_free(playground: Playground) -> None:
    names = [playground.new(name).name for name in (None, "box2", None, "web")]
    assert names == ["box1", "box2", "box3", "web"]
    playground.stop(playground.find("box1"))
    assert playground.new().name == "box1"


def test_the_name_and_the_id_lead_to_it(playground: Playground) -> None:
    box = playground.new()
    assert re.fullmatch("[0-9a-f]{12}", box.id)
    for word in ("box1", box.id, box.id[:6]):
        assert playground.find(word) is box


def test_lines_and_tables_have_the_name_and_inspect_the_id(playground: Playground) -> None:
    status, said = told(playground, "new")
    assert status == 0
    assert said.startswith("box1: bash started (PID ")
    box = playground.find("box1")
    assert told(playground, "inspect")[1].startswith(f"box1 ({box.id}): ")
    _, listed = told(playground, "containers")
    assert "box1" in listed
    assert box.id not in listed
    assert "box1" in told(playground, "ps host")[1]


def test_what_run_starts_has_its_id_as_host_name(playground: Playground) -> None:
    status, said = told(playground, "run -d --network none host sleep 1000")
    assert status == 0, said
    box = playground.find("box1")
    assert box.network.hostname == box.id
