"""fence net bridge: addresses, a way out, names, and nothing left of it."""

from __future__ import annotations

import os
import signal
import socket
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.kernel import net_routes as routes
from shellplay.kernel import procfs
from shellplay.network import etc_hosts
from shellplay.playground.playground import Playground
from tests.network.inside import as_before, fetched_inside, host, serve_files
from tests.waiting import wait_until

pytestmark = pytest.mark.root
BRIDGE = {"mode": "bridge"}


def forwarding(before: dict[str, object]) -> dict[str, object]:
    """Return the settings now of what was there before."""
    now, then = host()["forwarding"], before["forwarding"]
    assert isinstance(now, dict)
    assert isinstance(then, dict)
    return {name: now[name] for name in then}


def test_bash_goes_on_with_an_address_and_a_way_out(container: Container) -> None:
    pytest.importorskip("pyroute2")
    container.run("before=kept")
    bash = container.pid
    change = container.fence(REGISTRY["net"].parse(BRIDGE))
    assert container.pid == bash
    assert container.run("echo $before").output == "kept\n"
    assert [each.fence for each in change.first] == ["mnt"]
    version_4, version_6 = container.network.addresses
    assert ip_address(version_4) in ip_network("10.192.0.0/12")
    assert ip_address(version_6) in ip_network("fd00::/8")
    assert version_4 in change.notes[1]
    routes = container.run("cat /proc/net/route").output
    assert any(line.split()[1] == "00000000" for line in routes.splitlines()[1:])


def test_that_there_is_no_name_server_is_said(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyroute2")
    monkeypatch.setattr(etc_hosts, "SYSTEMD_RESOLV", Path("/nowhere"))
    monkeypatch.setattr(
        etc_hosts, "_is_loopback_server", lambda line: line.startswith("nameserver")
    )
    change = container.fence(REGISTRY["net"].parse(BRIDGE))
    assert any(each.startswith("no name server: ") for each in change.notes)
    assert container.run("cat /etc/resolv.conf").output.count("nameserver") == 0


def test_containers_at_the_bridge_reach_each_other_by_name(
    pair: tuple[Container, Container], page: Path
) -> None:
    web, db = pair
    serve_files(web, page)
    assert fetched_inside(db, "http://web/") == (page / "index.html").read_text()
    for address in web.network.addresses:
        url = f"http://[{address}]/" if ":" in address else f"http://{address}/"
        assert fetched_inside(db, url) == (page / "index.html").read_text()


def test_the_host_reaches_them_and_its_own_names_stay(
    pair: tuple[Container, Container], page: Path
) -> None:
    web, _ = pair
    hosts = Path("/etc/hosts").read_text()
    serve_files(web, page)
    with socket.create_connection((web.network.addresses[0], 80), timeout=5) as connection:
        assert connection.getpeername()[1] == 80
    assert Path("/etc/hosts").read_text() == hosts
    assert "db" in web.run("cat /etc/hosts").output


def test_peeled_it_is_the_host_s_again_and_others_forget_the_name(
    pair: tuple[Container, Container],
) -> None:
    web, db = pair
    assert " web " in db.run("cat /etc/hosts").output
    web.peel("net")
    assert " web " not in db.run("cat /etc/hosts").output
    assert web.run("cat /etc/hosts").output == Path("/etc/hosts").read_text()
    assert web.network.addresses == ()


def test_a_container_that_is_stopped_takes_its_interface_and_its_name_along(
    pair: tuple[Container, Container], playground: Playground
) -> None:
    web, db = pair
    port = web.network.publish("80")
    ends = {name for name in host()["interfaces"] if "." in name}  # type: ignore[attr-defined]
    playground.stop(web)
    assert len(ends & host()["interfaces"]) == len(ends) - 1  # type: ignore[operator]
    assert " web " not in db.run("cat /etc/hosts").output
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.host), timeout=5)


def test_nothing_is_left_when_the_playground_ends() -> None:
    before = host()
    with Playground() as playground:
        box = playground.new()
        box.fence(REGISTRY["net"].parse(BRIDGE))
        during = host()
        assert during["interfaces"] > before["interfaces"]  # type: ignore[operator]
        assert "shellplay-" in str(during["tables"])
    assert as_before(before)


def test_forwarding_is_put_back_after_the_last_playground_only() -> None:
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "0\n"
    assert routes.has_default_route("self")
    before = host()
    with Playground() as first:
        first.new().fence(REGISTRY["net"].parse(BRIDGE))
        with Playground() as second:
            second.new().fence(REGISTRY["net"].parse(BRIDGE))
            assert forwarding(before) != before["forwarding"]
        assert forwarding(before) != before["forwarding"]
    assert as_before(before)


def test_what_a_killed_process_left_is_removed_at_the_end() -> None:
    before = host()
    with Playground() as playground:
        box = playground.new()
        box.fence(REGISTRY["net"].parse(BRIDGE))
        [pid] = [
            each
            for each in procfs.children(os.getpid())
            if procfs.arguments(each) == ("shellplay: network",)
        ]
        os.kill(pid, signal.SIGKILL)
        assert not as_before(before)
    assert as_before(before)


def test_a_range_that_is_routed_is_refused_and_nothing_stays(container: Container) -> None:
    pytest.importorskip("pyroute2")
    before = host()
    with pytest.raises(Refused, match=r"overlaps the route to 127\.0\.0\.0/8") as refused:
        container.fence(REGISTRY["net"].parse({**BRIDGE, "subnet": "127.0.5.0/24"}))
    assert refused.value.fix == "fence net bridge, without subnet, chooses a free one"
    assert not any(each.up for each in container.fences())
    assert as_before(before)


def test_a_range_that_is_wanted_is_taken(container: Container) -> None:
    pytest.importorskip("pyroute2")
    container.fence(REGISTRY["net"].parse({**BRIDGE, "subnet": "10.77.3.0/24"}))
    assert container.network.addresses[0] == "10.77.3.2"


def test_words_that_do_not_fit_are_refused() -> None:
    for options, message in (
        ({"mode": "bridge", "join": "db"}, "and join= shares another's"),
        ({"subnet": "10.1.2.0/24"}, "subnet= is for net bridge"),
        ({"mode": "bridge", "subnet": "10.1.2.3/24"}, "has host bits set"),
        ({"mode": "bridge", "subnet": "fd00::/64"}, "is not a range of IPv4 addresses"),
        ({"mode": "bridg"}, "mode is one of none, bridge, pasta"),
    ):
        with pytest.raises(UsageError, match=message):
            REGISTRY["net"].parse(options)


def test_one_leaves_the_bridge_and_joins_it_again_while_it_runs(
    pair: tuple[Container, Container], page: Path
) -> None:
    web, db = pair
    serve_files(web, page)
    db.network.disconnect()
    assert db.network.addresses == ()
    assert "eth0" not in db.run("cat /proc/net/dev").output
    with pytest.raises(Refused, match="db is not connected"):
        db.network.disconnect()
    db.network.connect()
    assert fetched_inside(db, "http://web/") == (page / "index.html").read_text()
    with pytest.raises(Refused, match="is connected already"):
        db.network.connect()


def test_who_has_the_host_s_network_is_told_so(container: Container) -> None:
    for act in (container.network.connect, container.network.disconnect):
        with pytest.raises(Refused, match="the network of bash is the host's"):
            act()


def test_it_goes_up_while_a_command_runs(container: Container) -> None:
    pytest.importorskip("pyroute2")
    container.type(b"python3 -c 'input()'; cat /etc/hosts >&2\n")
    wait_until(lambda: container.state == "busy", "a busy bash")
    container.fence(REGISTRY["net"].parse(BRIDGE))
    container.type(b"\n")
    wait_until(lambda: container.state == "idle", "an idle bash")
    assert " box " in container.logs()


def test_root_and_names_go_together(pair: tuple[Container, Container]) -> None:
    web, _ = pair
    web.fence(REGISTRY["root"]())
    assert " db " in web.run("cat /etc/hosts").output
    web.peel("net")
    assert " db " not in web.run("cat /etc/hosts").output
    web.peel("root")
    assert " db " not in web.run("cat /etc/hosts").output
