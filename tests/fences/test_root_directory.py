"""A directory as root: where bash stands then, and what is mounted in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.kernel import mountinfo

pytestmark = pytest.mark.root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root directory in which only the mount points and another directory are."""
    for name in ("dev", "proc", "sys", "inside"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("path", ["/usr/lib", "/usr/share/"])
def test_a_directory_that_is_not_inside_comes_back(
    path: str, tree: Path, container: Container
) -> None:
    container.run(f"cd {path}")
    container.fence(REGISTRY["root"](base=str(tree)))
    assert container.run("pwd; echo *").output == "/\ndev inside proc sys\n"
    container.peel("root")
    outside = path.rstrip("/")
    assert container.run("pwd; echo $PWD; /bin/pwd").output == f"{outside}\n" * 3


def test_a_directory_that_was_gone_to_inside_is_not_replaced(
    tree: Path, container: Container
) -> None:
    container.run("cd /usr/lib")
    container.fence(REGISTRY["root"](base=str(tree)))
    container.run("cd /dev")
    container.peel("root")
    assert container.run("pwd; /bin/pwd").output == "/dev\n/dev\n"


@pytest.mark.parametrize("option", ["ro", "nodev"])
def test_a_directory_with_a_mount_that_another_lies_over_may_be_the_root(
    container: Container, tree: Path, option: str
) -> None:
    container.fence(REGISTRY["mnt"]())
    (tree / "a").mkdir()
    container.run(f"mount -t tmpfs tmpfs {tree}/a; mkdir {tree}/a/b")
    container.run(f"mount -t tmpfs tmpfs {tree}/a/b; mount -t tmpfs tmpfs {tree}/a")
    container.fence(REGISTRY["root"].parse({"base": str(tree), option: "yes"}))
    seen = [each for each in mountinfo.mounts(container.pid) or () if each.point in ("/", "/a")]
    assert [option in each.options for each in seen] == [True, False, True]
