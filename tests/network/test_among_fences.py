"""A bridge beside other fences: before them, after them, shared, and in a new bash."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
from tests.fences.host import as_root_directory
from tests.network.inside import as_before, fetch, fetched_inside, host, serve_files
from tests.waiting import wait_until

pytestmark = pytest.mark.root
pytest.importorskip("pyroute2")
BRIDGE = {"mode": "bridge"}
STACKS = [
    "user",
    "pid",
    "root",
    "user,pid,root",
    "caps",
    "nnp",
    "uts,ipc,cgroup,time",
    "proc",
]


def fence(box: Container, kinds: str) -> None:
    """Put fences up, in that order."""
    for kind in kinds.split(","):
        box.fence(REGISTRY[kind].parse(BRIDGE if kind == "net" else {}))


@pytest.mark.parametrize("kinds", STACKS)
@pytest.mark.parametrize("order", ["before", "after"])
def test_it_stands_with_others(
    kinds: str, order: str, playground: Playground, page: Path
) -> None:
    before = host()
    web, db = playground.new("web"), playground.new("db")
    fence(db, "net")
    fence(web, f"{kinds},net" if order == "after" else f"net,{kinds}")
    # Below 1024 it would take a capability over the net, which may be the host's.
    serve_files(web, page, port=8000)
    port = web.network.publish("8000")
    assert fetch(f"http://127.0.0.1:{port.host}/") == (page / "index.html").read_text()
    assert fetched_inside(db, "http://web:8000/") == (page / "index.html").read_text()
    assert " db " in web.run("cat /etc/hosts").output
    web.peel_all(force=True)
    assert not web.network.ports
    assert not web.network.addresses
    assert web.run("cat /etc/hosts").output == Path("/etc/hosts").read_text()
    playground.close()
    assert as_before(before)


def test_links_of_a_tree_lead_where_they_lead_inside(
    container: Container, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "only-inside").mkdir()
    (tmp_path / "only-inside/hosts").write_text("of the tree\n")
    (tmp_path / "etc").symlink_to("/only-inside")
    container.fence(REGISTRY["root"].parse({"base": as_root_directory(tmp_path)}))
    notes = container.fence(REGISTRY["net"].parse(BRIDGE)).notes
    assert not [each for each in notes if "names" in each or "stays" in each]
    assert container.label in container.run('echo "$(</etc/hosts)"').output
    assert container.run("test -f /etc/resolv.conf").status == 0


def test_who_shares_it_has_its_names_and_addresses(
    pair: tuple[Container, Container], playground: Playground, page: Path
) -> None:
    web, db = pair
    side = playground.new("side")
    fence(side, "mnt")
    side.fence(REGISTRY["net"].parse({"join": "web"}))
    serve_files(side, page)
    assert side.network.addresses == web.network.addresses
    assert fetched_inside(db, "http://side/") == (page / "index.html").read_text()
    assert " db " in side.run("cat /etc/hosts").output
    port = side.network.publish("80")
    assert fetch(f"http://127.0.0.1:{port.host}/") == (page / "index.html").read_text()
    with pytest.raises(Refused, match="the network of web is connected already"):
        side.network.connect()
    side.peel("net")
    assert "side" not in db.run("cat /etc/hosts").output


def test_a_new_bash_keeps_it(container: Container) -> None:
    container.settings.live = False
    fence(container, "net,uts")
    assert len(container.network.addresses) == 2
    assert " box " in container.run("cat /etc/hosts").output
    container.peel("net")
    assert not container.network.addresses


def test_it_goes_when_the_bash_inside_ends(container: Container) -> None:
    fence(container, "user,net")
    leg = {name for name in host()["interfaces"] if "." in name}  # type: ignore[attr-defined]
    assert leg
    container.type(b"exit\n")
    wait_until(lambda: not container.network.addresses, "the network of the host")
    wait_until(lambda: not leg & host()["interfaces"], "no interface")  # type: ignore[operator]


def test_a_tree_without_the_files_gets_them(container: Container, tmp_path: Path) -> None:
    for each in ("bin", "lib", "lib64", "usr"):
        (tmp_path / each).mkdir()
    container.fence(REGISTRY["root"].parse({"base": as_root_directory(tmp_path)}))
    change = container.fence(REGISTRY["net"].parse(BRIDGE))
    assert "eth0" in change.notes[0]
    assert " box " in container.run('echo "$(</etc/hosts)"').output


def test_a_tree_that_cannot_be_written_to_is_said_to_lack_them(
    container: Container, tmp_path: Path
) -> None:
    container.fence(REGISTRY["root"].parse({"base": as_root_directory(tmp_path), "ro": "yes"}))
    change = container.fence(REGISTRY["net"].parse(BRIDGE))
    assert any("/etc/hosts inside stays as it is" in note for note in change.notes)
    assert container.network.addresses
