"""publish, unpublish, connect, disconnect and net bridge, as words and in the program."""

from __future__ import annotations

import json

import pytest

from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.cmdline.completion import complete
from shellplay.errors import UsageError
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
from shellplay.views.containers import table
from shellplay.views.render import render
from tests.repl.program import shellplay


def texts(line: str, playground: Playground) -> list[str]:
    """Return what is offered at the end of a line."""
    return [each.text for each in complete(line, playground)]


def test_what_leads_out_is_offered_and_mistakes_are_met(playground: Playground) -> None:
    assert {"bridge", "pasta", "none"} <= set(texts("fence net ", playground))
    assert "publish" in texts("pub", playground)
    assert "8080:80" in texts("publish ", playground)
    with pytest.raises(UsageError, match='did you mean "bridge"'):
        FenceWords("KIND", "fences").parse(["net", "brigde"], playground)


def test_published_ports_are_offered_to_be_closed(playground: Playground) -> None:
    box = playground.new("box")
    box.fence(REGISTRY["net"]())
    port = box.network.publish("5353/udp")
    assert f"{port.host}/udp" in texts("unpublish ", playground)
    box.network.unpublish(f"{port.host}/udp")
    assert f"{port.host}/udp" not in texts("unpublish ", playground)


def test_the_program_says_what_is_open_and_what_is_closed() -> None:
    done = shellplay(
        "-c", "new box; fence net; publish 0:80; publish; containers --json; peel net; publish"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    opened = [line for line in lines if line.endswith("-> 80/tcp")]
    assert len(opened) == 2
    assert opened[0] == opened[1]
    facts = json.loads(done.stdout)
    [port] = facts["containers"][0]["ports"]
    assert f"box: {port['address']}:{port['host']} -> 80/tcp" == opened[0]
    assert any(line.endswith("is closed") for line in lines)
    assert lines[-1] == "box: no port is published"


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("publish 80", 1, "the network of bash is the host's"),
        ("publish web", 2, "'web' is not [ADDRESS:]HOST:INSIDE[/udp]"),
        ("fence net; unpublish 80", 1, "does not publish 80 (publish 80)"),
        ("connect", 1, "fence net bridge, or fence net"),
        ("fence net bridge join=x", 2, "leave one out"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_the_fix(line: str, status: int, said: str) -> None:
    done = shellplay("-c", f"new; {line}")
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert "Traceback" not in done.stderr


def test_addresses_and_ports_have_columns_where_there_are_any() -> None:
    row = {
        "id": "a" * 12, "name": "web", "current": True, "pid": 7, "inside": [7], "parked": 0,
        "state": "idle", "fences": ["net"], "addresses": ["10.1.2.3"],
        "ports": [{"address": "::1", "host": 53, "inside": 5353, "protocol": "udp"}],
    }  # fmt: skip
    titles, line = render(table([row]), 120, color=False).splitlines()
    assert titles.split()[-3:] == ["ADDRESS", "PORTS", "FENCES"]
    assert line.split()[-3:] == ["10.1.2.3", "[::1]:53->5353/udp", "net"]
