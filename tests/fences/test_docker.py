"""fence docker: all that docker run puts up, one by one, and off again."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import docker
from shellplay.fences.caps import Caps
from shellplay.fences.index import FENCES
from shellplay.kernel import procfs
from shellplay.kernel.cgroup import hierarchies
from shellplay.network import rootless
from shellplay.playground.playground import Playground
from tests.fences.host import identities

pytestmark = pytest.mark.everyone


def said(playground: Playground, line: str) -> str:
    """Run a line as a user would, and return all that is said."""
    out = io.StringIO()
    printer = Printer(out, out, color=False)
    assert Interpreter(playground, printer, Batch(printer)).run(line) == 0, out.getvalue()
    return out.getvalue()


def up(container: Container) -> set[str]:
    """Return the kinds of the fences that the kernel shows."""
    return {record.fence for record in container.fences() if record.up}


def sockets(table: str) -> set[str]:
    """Return the inodes in what /proc/net/unix shows."""
    return {line.split()[6] for line in table.splitlines()[1:]}


def test_every_fence_of_docker_goes_up_with_what_it_hides_and_comes_off(
    playground: Playground, container: Container
) -> None:
    before = identities(container.pid)
    container.run("kept=yes; cd /tmp")
    told = said(playground, "fence docker hostname=web")
    # Routes there need not be any: the playground always talks to us by a socket.
    hosts = sockets(Path("/proc/net/unix").read_text())
    assert hosts
    assert up(container) == set(docker.preset())
    assert all(f"  {FENCES[kind].effect}\n" in told for kind in docker.preset())
    seen = container.run("echo $$ $kept $PWD; hostname")
    assert seen.output == "1 yes /tmp\nweb\n"
    assert not sockets(container.run("cat /proc/net/unix").output) & hosts
    assert container.run("mount -t tmpfs tmpfs /mnt").status != 0
    said(playground, "peel all -f")
    assert up(container) == set()
    assert identities(container.pid) == before
    assert container.run("echo $kept").output == "yes\n"


@pytest.mark.parametrize("line", ["fence docker", "fence docker root ro=no"])
def test_no_device_of_the_host_is_one_mknod_away(
    playground: Playground, container: Container, line: str, tmp_path: Path
) -> None:
    said(playground, line)
    said(playground, f"mount {tmp_path}:/shared")
    for place in ("/tmp/zero", "/shared/zero"):
        made = container.run(f"mknod {place} c 1 5 && head -c1 {place}")
        assert made.status != 0
        # Who is root in a user namespace only may not even make the node.
        assert ("Permission denied" in made.output) == (os.geteuid() == 0)
    assert container.run("head -c1 /dev/zero | wc -c").output == "1\n"


def test_a_root_that_stands_already_and_leaves_devices_open_is_said(
    playground: Playground, container: Container
) -> None:
    said(playground, "fence root")
    told = said(playground, "fence docker")
    assert "root is fenced already, without nodev (peel root, and fence docker again)" in told
    said(playground, "peel all -f")
    said(playground, "fence root --nodev")
    assert "root is fenced already\n" in said(playground, "fence docker")


def test_the_filter_asks_for_the_capabilities_that_are_left(
    playground: Playground, container: Container
) -> None:
    said(playground, "fence docker")
    status = procfs.status(container.pid)
    assert status is not None
    assert status.permitted == status.bounding == Caps().left()
    # With all of root's capabilities Docker's profile lets unshare(2) through.
    denied = container.run("unshare -U true")
    assert "Operation not permitted" in denied.output


def test_what_stands_already_stays_as_it_is(
    playground: Playground, container: Container
) -> None:
    said(playground, "fence uts hostname=mine")
    told = said(
        playground, "fence docker memory 64M" if "memory" in limits() else "fence docker"
    )
    assert f"{container.label}: uts is fenced already" in told
    assert container.run("hostname").output == "mine\n"


def limits() -> list[str]:
    """Return the limits that can be put up by whoever runs this test."""
    hierarchy = hierarchies.having("memory")
    try:
        return [] if hierarchy is None else [str(hierarchies.place(hierarchy)), "memory"]
    except Refused:
        return []


@pytest.fixture
def nothing_leads_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have neither pyroute2 nor what it takes to lead out without root."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(rootless, "TUN", Path("/nowhere"))


@pytest.mark.usefixtures("nothing_leads_out")
def test_why_nothing_leads_out_is_said(playground: Playground, container: Container) -> None:
    told = said(playground, "fence docker")
    assert f"{container.label}: nothing leads out of net: " in told
    assert up(container) == set(docker.preset())


@pytest.mark.usefixtures("nothing_leads_out")
def test_one_of_them_is_as_it_is_named(playground: Playground, container: Container) -> None:
    told = said(playground, "fence docker net none caps keep=chown")
    assert "nothing leads out" not in told
    status = procfs.status(container.pid)
    assert status is not None
    assert status.permitted == Caps(keep="chown").left()


@pytest.mark.parametrize("line", ["docker none", "net docker none"])
def test_a_value_alone_is_of_no_fence_that_nobody_named(
    line: str, playground: Playground
) -> None:
    with pytest.raises(UsageError, match='unknown fence "none"'):
        FenceWords("KIND", "fences").parse(line.split(), playground)


def test_what_is_named_behind_it_has_no_options_of_it(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "network", lambda: ({"mode": "bridge"}, None))
    chosen = FenceWords("KIND", "fences").parse(["docker", "net", "none"], playground)
    net = next(each for each in chosen.fences if each.kind == "net")
    assert net.given() == {}
