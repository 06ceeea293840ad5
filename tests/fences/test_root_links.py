"""Trees with links where the kernel shows files: nothing of the host is behind them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.playground.playground import Playground
from tests.fences.host import identities

NAMES = ("hosts", "resolv.conf", "hostname")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A directory of the host with files that are called as those for names are."""
    tmp_path.chmod(0o755)
    directory = tmp_path / "victim"
    directory.mkdir()
    for name in NAMES:
        (directory / name).write_text("of the host")
    return directory


@pytest.fixture
def tree(tmp_path: Path, victim: Path) -> Path:
    """A tree whose /sys is a link to a directory that it has as well as the host."""
    tmp_path.chmod(0o755)
    directory = tmp_path / "tree"
    (directory / str(victim)[1:]).mkdir(parents=True)
    (directory / "sys").symlink_to(victim)
    return directory


def untouched(victim: Path) -> bool:
    """Tell whether its files are as they were."""
    return all((victim / name).read_text() == "of the host" for name in NAMES)


@pytest.mark.everyone
def test_a_tree_with_a_link_there_is_refused_and_bash_stays_where_it_was(
    container: Container, tree: Path, tmp_path: Path
) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["mnt"]())
    container.run(f"cd {tmp_path}")
    before = identities(container.pid)
    with pytest.raises(Refused, match="root: /sys is not a directory in it"):
        container.fence(REGISTRY["root"].parse({"base": str(tree)}))
    assert identities(container.pid) == before
    assert container.run("echo $PWD; test -d /usr").status == 0


@pytest.mark.everyone
def test_run_writes_to_no_file_of_the_host(
    playground: Playground, tree: Path, victim: Path
) -> None:
    list(import_image(Store(), tree, "evil"))
    printer = Printer(io.StringIO(), io.StringIO(), color=False)
    assert Interpreter(playground, printer, Batch(printer)).run("run --rm evil /x") != 0
    assert untouched(victim)


@pytest.mark.root
def test_names_are_written_to_no_file_of_the_host(container: Container, victim: Path) -> None:
    pytest.importorskip("pyroute2")
    for kind in ("mnt", "root"):
        container.fence(REGISTRY[kind]())
    assert container.run(f"umount -l /sys && rmdir /sys && ln -s {victim} /sys").status == 0
    container.fence(REGISTRY["net"].parse({"mode": "bridge"}))
    assert untouched(victim)
    assert container.label in container.run("cat /etc/hosts").output
