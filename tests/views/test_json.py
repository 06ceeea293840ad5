"""The documents of --json keep the shapes that docs/json.md promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shellplay.model import NamespaceId, ShellIdentity
from shellplay.views.json import VERSION, document
from tests.views import samples
from tests.views.samples import HOST, INSIDE, LONG, PLAYGROUND, RECORDS, ROWS, USAGES, WEB

MANUAL = Path(__file__).parents[2] / "docs" / "json.md"


def read(kind: str, payload: object) -> dict[str, Any]:
    """Return the document as a program reads it."""
    found: dict[str, Any] = json.loads(document(kind, payload))
    return found


def test_ps_is_a_list_of_processes() -> None:
    found = read("ps", INSIDE)
    assert (found["shellplay"], found["kind"]) == (VERSION, "ps")
    assert found["processes"][1] == {
        "pid": 4250,
        "ppid": 4242,
        "inside": [4250, 7],
        "container": "web",
        "role": "job",
        "command": "sleep 1000",
        "state": "S",
        "uid": 1000,
        "namespace": WEB,
    }


def test_a_long_listing_adds_keys_and_null_for_what_cannot_be_read() -> None:
    short, long = (read("ps", each)["processes"] for each in (INSIDE, LONG))
    assert [{name: each[name] for name in short[0]} for each in long] == short
    added = [{name: each[name] for name in each if name not in short[0]} for each in long]
    assert added[1] == {
        "user": "al\x1b[1mice", "cpu_percent": 12.34, "memory": 1024, "started": 86_400.0,
    }  # fmt: skip
    assert set(added[2].values()) == {None}


def test_ps_host_tells_how_many_were_left_out() -> None:
    found = read("ps", PLAYGROUND)
    assert found["folded"] == 143
    assert [each["role"] for each in found["processes"]][:3] == ["repl", "playground", "parked"]


def test_fences_are_a_list_of_records() -> None:
    found = read("fences", {"container": "web", "fences": RECORDS})
    assert found["container"] == "web"
    assert found["fences"][2] == {
        "fence": "pid",
        "up": True,
        "how": "forked",
        "namespace": {"host": HOST, "shell": WEB},
        "state": {"host": None, "shell": None},
        "peel": "wakes 4110",
        "options": {},
        "shared_with": ["db"],
    }
    assert found["fences"][0]["how"] is None


def test_containers_are_a_list_of_the_rows() -> None:
    assert read("containers", ROWS)["containers"] == ROWS


def test_dataclasses_and_namespaces_have_a_shape() -> None:
    assert read("x", ShellIdentity(7, (7, 1))) == {
        "shellplay": VERSION,
        "kind": "x",
        "pid": 7,
        "inside": [7, 1],
    }
    assert read("x", [NamespaceId("pid", 4, 5)])["x"] == [
        {"kind": "pid", "device": 4, "inode": 5}
    ]


def test_what_has_no_shape_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON shape"):
        document("x", {"y": object()})


def test_a_document_is_one_line_of_ascii_that_strict_readers_take() -> None:
    text = document("ps", PLAYGROUND)
    assert text.isascii()
    assert text.isprintable()
    command = json.loads(text)["processes"][5]["command"]
    assert command == "sh -c \x1b]0;owned\x07\n\\xff"
    command.encode()


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("ps", PLAYGROUND),
        ("ps", LONG),
        ("fences", {"container": "web", "fences": RECORDS}),
        ("containers", ROWS),
        ("stats", [*USAGES, samples.SUMMED]),
    ],
)
def test_every_key_is_described_in_the_manual(kind: str, payload: object) -> None:
    manual = MANUAL.read_text()
    assert not [key for key in keys(read(kind, payload)) if f"`{key}`" not in manual]


def keys(value: object) -> set[str]:
    """Return all keys in a document, those of ``options`` excepted: they are a fence's."""
    if isinstance(value, list):
        return set().union(*map(keys, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    inner = (keys(content) for key, content in value.items() if key != "options")
    return set(value).union(*inner)
