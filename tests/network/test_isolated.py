"""net bridge isolated: neighbours at the bridge are reached, the host and the world are not."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.cmdline.help import fence_page
from shellplay.container.container import Container
from shellplay.errors import UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.net import Net
from shellplay.playground.playground import Playground
from tests.network.inside import as_before, host, serve_files
from tests.waiting import wait_until

pytestmark = pytest.mark.root
# The address of the host at its way out, see tests.network.apart.
UPLINK = "198.51.100.2"
BRIDGE_NAME = re.compile(r"play\d+")
CONNECT = """
import socket, sys
try:
    socket.create_connection(({0!r}, {1}), timeout=2).close()
    print('open')
except OSError as error:
    print(type(error).__name__, error)
"""
OPEN, DROPPED = "open\n", "TimeoutError timed out\n"


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which the host listens on all of its addresses, of both versions of IP."""
    with socket.create_server(
        ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True
    ) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def boxes(playground: Playground) -> dict[str, Container]:
    """Two isolated containers and one that is not."""
    pytest.importorskip("pyroute2")
    found = {name: playground.new(name) for name in ("web", "db", "front")}
    for name, box in found.items():
        options = {"mode": "bridge"} | ({"isolated": "yes"} if name != "front" else {})
        box.fence(REGISTRY["net"].parse(options))
    return found


def connected(box: Container, address: str, port: int) -> str:
    """Return what a connection from inside comes to."""
    program = CONNECT.format(address, port)
    return box.run(f'python3 -c "{program}"').output


def gateways(box: Container) -> list[str]:
    """Return the addresses of the bridge, which are those of the host."""
    version_4, version_6 = box.network.addresses
    return [f"{version_4.rpartition('.')[0]}.1", f"{version_6.rpartition(':')[0]}:1"]


def break_out(box: Container) -> None:
    """Do what root inside can do about a missing way: take a default route by the host."""
    for option, gateway in zip(("-4", "-6"), gateways(box), strict=True):
        assert box.run(f"ip {option} route add default via {gateway}").status == 0


def test_services_of_the_host_are_not_reached(boxes: dict[str, Container], port: int) -> None:
    break_out(boxes["db"])
    for address in (*gateways(boxes["db"]), UPLINK):
        assert connected(boxes["front"], address, port) == OPEN
        assert connected(boxes["db"], address, port) == DROPPED


def test_the_host_is_not_reached_at_its_link_local_address_either(
    boxes: dict[str, Container], port: int
) -> None:
    name = next(each for _, each in socket.if_nameindex() if BRIDGE_NAME.fullmatch(each))
    shown = subprocess.run(
        ["ip", "-6", "-o", "addr", "show", "scope", "link", "dev", name],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    address = f"{shown[3].partition('/')[0]}%eth0"
    # At first the kernel looks for a duplicate of an address.
    wait_until(lambda: connected(boxes["front"], address, port) == OPEN, "the front is let in")
    assert connected(boxes["db"], address, port) == DROPPED


def test_neighbours_are_reached_by_their_names(boxes: dict[str, Container], page: Path) -> None:
    serve_files(boxes["db"], page)
    assert connected(boxes["web"], "db", 80) == OPEN
    assert connected(boxes["front"], "db", 80) == OPEN
    serve_files(boxes["front"], page)
    assert connected(boxes["web"], "front", 80) == OPEN


def test_the_host_reaches_inside_and_gets_its_answer(
    boxes: dict[str, Container], page: Path
) -> None:
    serve_files(boxes["db"], page)
    for address in boxes["db"].network.addresses:
        socket.create_connection((address, 80), timeout=5).close()
    published = boxes["db"].network.publish("80")
    socket.create_connection(("127.0.0.1", published.host), timeout=5).close()


def test_an_address_of_a_neighbour_does_not_help(
    boxes: dict[str, Container], port: int
) -> None:
    address = boxes["front"].network.addresses[0]
    boxes["front"].network.disconnect()
    boxes["db"].run(f"ip addr flush dev eth0; ip addr add {address}/24 dev eth0")
    assert connected(boxes["db"], gateways(boxes["web"])[0], port) == DROPPED


def test_it_is_said_and_there_is_no_way_out(boxes: dict[str, Container]) -> None:
    assert "default" not in boxes["db"].run("ip route; ip -6 route").output
    assert "default" in boxes["front"].run("ip route").output
    [net] = [each for each in boxes["db"].fences() if each.fence == "net"]
    assert net.options["isolated"] == "yes"


def test_nothing_is_left_of_its_rules(playground: Playground) -> None:
    pytest.importorskip("pyroute2")
    before = host()
    box = playground.new("alone")
    box.fence(REGISTRY["net"].parse({"mode": "bridge", "isolated": "yes"}))
    assert tables("bridge")
    playground.close()
    assert as_before(before)


def test_after_disconnect_it_is_connected_anew_without_it(
    boxes: dict[str, Container], port: int
) -> None:
    boxes["db"].network.disconnect()
    boxes["db"].network.connect()
    assert connected(boxes["db"], UPLINK, port) == OPEN


def test_run_has_it_as_a_network() -> None:
    from shellplay.docker.options import parse
    from shellplay.docker.plan import Plan

    request = parse(["--network", "isolated", "host", "true"])
    fences = Plan(request, None, "xterm", str).start(lambda *_: None).fences
    [net] = [each for each in fences if isinstance(each, Net)]
    assert (net.mode, net.isolated) == ("bridge", True)


def test_it_is_for_a_bridge_only() -> None:
    for options in ({"isolated": "yes"}, {"mode": "pasta", "isolated": "yes"}):
        with pytest.raises(UsageError, match="isolated is for net bridge"):
            REGISTRY["net"].parse(options)


@pytest.mark.parametrize("words", ["net bridge isolated", "net bridge --isolated pid"])
def test_it_is_a_word_behind_bridge(words: str) -> None:
    net = FenceWords("KIND", "").parse(words.split(), Playground()).fences[0]
    assert isinstance(net, Net)
    assert (net.mode, net.isolated) == ("bridge", True)
    assert net.given() == {"mode": "bridge", "isolated": "yes"}


def test_it_is_completed_and_explained() -> None:
    found = FenceWords("KIND", "").complete(["net", "bridge"], "", Playground())
    assert "isolated" in [each.text for each in found]
    page = fence_page("net")(80)
    assert "  isolated " in page
    assert "reach only the containers at the bridge" in page


def tables(family: str) -> list[str]:
    """Return the tables of nftables of a family."""
    shown = subprocess.run(
        ["nft", "list", "tables", family], capture_output=True, text=True, check=True
    )
    return shown.stdout.split("\n")[:-1]
