"""Options of run about its network, at a bridge: ports, names of neighbours, addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from shellplay.playground.playground import Playground
from tests.network.apart import network_apart
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.root


@pytest.fixture(scope="module", autouse=True)
def machine() -> Iterator[None]:
    """A network of its own in place of the host's, see tests.network.apart."""
    pytest.importorskip("pyroute2")
    with network_apart():
        yield


def hosts(printed: str) -> dict[str, str]:
    """Return the first address of each name in the text of /etc/hosts."""
    found: dict[str, str] = {}
    for line in printed.splitlines():
        address, *names = line.split()
        for name in names:
            found.setdefault(name, address)
    return found


def test_neighbours_know_each_other_by_alias_and_link(
    run: Run, busybox: str, playground: Playground
) -> None:
    run(f"run -dq --name db --network-alias store --network-alias base {busybox} sleep 1000")
    address = playground.find("db").network.addresses[0].partition("/")[0]
    said = run(f"run -q --link db:backend {busybox} cat /etc/hosts")
    found = hosts(said.printed)
    for name in ("db", "store", "base", "backend"):
        assert found[name] == address


def test_the_gateway_of_the_host_is_an_address_of_the_bridge(run: Run, busybox: str) -> None:
    said = run(f"run -q --add-host me:host-gateway {busybox} cat /etc/hosts")
    assert ip_address(hosts(said.printed)["me"]).is_private


def test_all_exposed_ports_are_published_on_free_ones(
    run: Run, busybox: str, playground: Playground
) -> None:
    run(f"run -dq --name web -P --expose 80-81 --expose 53/udp {busybox} sleep 1000")
    ports = playground.find("web").network.ports
    assert [(each.inside, each.protocol) for each in ports] == [
        (80, "tcp"),
        (81, "tcp"),
        (53, "udp"),
    ]
    assert all(each.host for each in ports)
    assert json.loads(run("inspect web --json").told)["exposed"] == [
        "80/tcp",
        "81/tcp",
        "53/udp",
    ]


def test_of_a_range_for_one_port_the_first_free_one_is_taken(
    run: Run, busybox: str, playground: Playground
) -> None:
    for name in ("one", "two"):
        run(f"run -dq --name {name} --network none -p 18100-18101:80 {busybox} sleep 1000")
    taken = [playground.find(name).network.ports[0].host for name in ("one", "two")]
    assert taken == [18100, 18101]
    said = run(f"run -q --network none -p 18100-18101:80 {busybox} true")
    assert "127.0.0.1:18101 is taken by somebody else" in said.told


def test_a_range_is_published_as_a_whole_or_not_at_all(
    run: Run, busybox: str, playground: Playground
) -> None:
    run(f"run -dq --name web --network none -p 18111:80 {busybox} sleep 1000")
    said = run("publish 18110-18112:90-92")
    assert "127.0.0.1:18111 is taken" in said.told
    assert [each.host for each in playground.find("web").network.ports] == [18111]
    run("unpublish 18111")
    wait_until(lambda: run("publish 18110-18112:90-92").status == 0, "the port is free")
    assert [each.inside for each in playground.find("web").network.ports] == [90, 91, 92]


def test_its_addresses_are_those_that_were_asked_for(
    run: Run, busybox: str, playground: Playground
) -> None:
    run(
        "run -dq --name web --ip 10.211.7.9 --ip6 fd12:3456:789a:1::9 "
        f"--mac-address 92:D0:c6:0a:29:33 {busybox} sleep 1000"
    )
    web = playground.find("web")
    assert web.network.addresses[0] == "10.211.7.9"
    said = run("exec -c web cat /sys/class/net/eth0/address /proc/net/if_inet6")
    assert said.printed.startswith("92:d0:c6:0a:29:33\n")
    assert "fd123456789a00010000000000000009" in said.printed
    said = run(f"run -q --ip 10.211.7.9 {busybox} true")
    assert "10.211.7.9 is taken" in said.told
    said = run(f"run -q --ip 10.211.7.1 {busybox} true")
    assert "10.211.7.1 is taken" in said.told, "it is the address of the bridge"
    said = run(f"run -q --ip 10.212.7.9 {busybox} true")
    assert "10.212.7.9 is not an address at the bridge (one of 10.211.7.0/24" in said.told
    run("rm -f web")
    assert run(f"run -q --ip 10.211.7.9 {busybox} true").status == 0


def test_an_address_of_others_is_not_taken_from_them(
    run: Run, busybox: str, playground: Playground
) -> None:
    assert "8.8.8.8 belongs to others" in run(f"run -q --ip 8.8.8.8 {busybox} true").told
    assert playground.containers == []
