"""publish and unpublish: a port of the host leads inside, and does so no more."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from shellplay.network.port import Port
from tests.network.inside import asked, fetch, serve_echo, serve_files
from tests.waiting import wait_until


@pytest.fixture
def fenced(container: Container) -> Container:
    """A container with an empty network."""
    container.fence(REGISTRY["net"]())
    return container


@pytest.mark.everyone
def test_a_client_on_the_host_reaches_a_server_inside(fenced: Container, page: Path) -> None:
    serve_files(fenced, page)
    port = fenced.network.publish("80")
    for _ in range(2):
        assert fetch(f"http://127.0.0.1:{port.host}/") == (page / "index.html").read_text()


@pytest.mark.everyone
def test_datagrams_come_and_go(fenced: Container) -> None:
    serve_echo(fenced, 5353)
    port = fenced.network.publish("0:5353/udp")
    assert asked(("127.0.0.1", port.host), b"one") == b"ONE"
    assert asked(("127.0.0.1", port.host), b"two") == b"TWO"


@pytest.mark.everyone
def test_a_client_that_was_too_early_is_answered_later(fenced: Container) -> None:
    port = fenced.network.publish("0:5353/udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(("127.0.0.1", port.host))
        client.send(b"early")
        serve_echo(fenced, 5353)
        client.send(b"later")
        # The first may have waited in the socket until somebody served.
        answers = [client.recv(100)]
        if answers == [b"EARLY"]:
            answers.append(client.recv(100))
        assert answers[-1] == b"LATER"


@pytest.mark.everyone
def test_what_is_sent_one_way_comes_back_when_the_other_has_ended(
    fenced: Container,
) -> None:
    fenced.run(
        'python3 -c \'import socket; s = socket.create_server(("", 7000)); '
        'c, _ = s.accept(); c.sendall(b"".join(iter(lambda: c.recv(9999), b"")))\' &'
    )
    port = fenced.network.publish("7000")
    wait_until(lambda: ":1B58" in fenced.run("cat /proc/net/tcp").output, "somebody listens")
    with socket.create_connection(("127.0.0.1", port.host), timeout=10) as connection:
        whole = bytes(range(256)) * 4000
        connection.sendall(whole)
        connection.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: connection.recv(65536), b"")) == whole


@pytest.mark.everyone
def test_what_is_unpublished_is_closed_at_once(fenced: Container, page: Path) -> None:
    serve_files(fenced, page)
    port = fenced.network.publish("80")
    fetch(f"http://127.0.0.1:{port.host}/")
    assert fenced.network.unpublish(str(port.host)) == (port,)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.host), timeout=5)
    assert fenced.network.ports == ()
    assert fenced.network.publish(f"{port.host}:80") == port


@pytest.mark.everyone
def test_peeled_there_is_nothing_to_lead_to(fenced: Container) -> None:
    port = fenced.network.publish("80")
    assert f"{port} is closed" in fenced.peel("net").notes
    assert not fenced.network.ports


@pytest.mark.everyone
def test_all_addresses_of_one_family_are_none_of_the_other(fenced: Container) -> None:
    six = fenced.network.publish("[::]:0:80")
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", six.host))
    four = fenced.network.publish(f"0.0.0.0:{six.host}:80")
    assert four.host == six.host


@pytest.mark.everyone
def test_a_port_that_is_taken_is_refused(fenced: Container) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(Refused, match=rf"127\.0\.0\.1:{number} is taken") as refused:
            fenced.network.publish(f"{number}:80")
    assert refused.value.fix == "publish 0:80 takes a free one"
    with pytest.raises(Refused, match=r"192\.0\.2\.77 is not an address of this host"):
        fenced.network.publish("192.0.2.77:0:80")


@pytest.mark.everyone
def test_what_is_not_there_is_named(container: Container) -> None:
    with pytest.raises(Refused, match="the network of bash is the host's"):
        container.network.publish("80")
    container.fence(REGISTRY["net"]())
    with pytest.raises(Refused, match="box does not publish 99"):
        container.network.unpublish("99")


@pytest.mark.everyone
def test_nothing_is_held_open_by_it(fenced: Container) -> None:
    before = procfs.fds()
    fenced.network.unpublish(str(fenced.network.publish("80").host))
    assert procfs.fds() == before


@pytest.mark.root
def test_it_follows_who_joins_the_bridge(pair: tuple[Container, Container], page: Path) -> None:
    web, _ = pair
    serve_files(web, page)
    port = web.network.publish("127.0.0.2:0:80")
    assert fetch(f"http://127.0.0.2:{port.host}/") == (page / "index.html").read_text()


@pytest.mark.root
def test_who_listens_on_the_loopback_only_is_not_reached(
    pair: tuple[Container, Container], page: Path
) -> None:
    web, _ = pair
    serve_files(web, page, bind="127.0.0.1")
    port = web.network.publish("80")
    with socket.create_connection(("127.0.0.1", port.host), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("8080:80", Port("127.0.0.1", 8080, 80)),
        ("80", Port("127.0.0.1", 0, 80)),
        (":80", Port("127.0.0.1", 0, 80)),
        ("0.0.0.0:8080:80/tcp", Port("0.0.0.0", 8080, 80)),
        ("[::1]:5353:53/udp", Port("::1", 5353, 53, "udp")),
        ("127.0.0.2::80", Port("127.0.0.2", 0, 80)),
    ],
)
def test_a_port_is_written_as_docker_has_it(text: str, port: Port) -> None:
    assert Port.parse(text) == port


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "80:x", "70000", "0", "1:2:3", "80/sctp", "8080:80/", "web:1:2", "-1:80"),
        *("9" * 5000, "9" * 5000 + ":80", "\u0663", "\u0663:80"),
    ],
)
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Port.parse(text)
