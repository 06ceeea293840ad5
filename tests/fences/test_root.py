"""The root fence: whose files are seen, what is written where, and what leads out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY, Fence
from shellplay.image.import_archive import import_image
from shellplay.image.layer_directory import layer_name
from shellplay.image.store import Store
from shellplay.kernel import mountinfo, procfs
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.fences.host import as_root_directory, digest, identities, opened

pytestmark = pytest.mark.everyone


def root(**options: str) -> Fence:
    """Return a root fence."""
    return REGISTRY["root"].parse(options)


@pytest.fixture
def sentinel() -> Iterator[Path]:
    """A directory of ours with a file in it, which nothing inside may change.

    In /tmp itself: for an ordinary user what others have in there is read-only inside.
    """
    with tempfile.TemporaryDirectory(prefix="sentinel-", dir="/tmp") as name:
        directory = Path(name)
        (directory / "kept").write_text("of the host")
        yield directory
        assert (directory / "kept").read_text() == "of the host"
        assert [each.name for each in directory.iterdir()] == ["kept"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory that could be a root, with nothing but a file in it."""
    tmp_path.chmod(0o755)
    directory = tmp_path / "tree"
    directory.mkdir()
    as_root_directory(directory)
    (directory / "only-here").write_text("inside")
    return directory


def test_what_is_deleted_and_written_inside_is_as_before_outside(
    container: Container, sentinel: Path
) -> None:
    host = digest()["mounts"]
    container.fence(root())
    assert container.run(f"cat {sentinel}/kept").output == "of the host"
    container.run(f"rm -rf {sentinel}/*; echo inside >{sentinel}/new")
    assert container.run(f"ls -1 {sentinel}").output == "new\n"
    assert [each.name for each in sentinel.iterdir()] == ["kept"]
    container.peel("root")
    assert container.run(f"ls -1 {sentinel}").output == "kept\n"
    container.peel_all()
    assert digest()["mounts"] == host


def test_the_host_cannot_be_changed_through_dev(container: Container) -> None:
    container.fence(root())
    mounts = [each for each in mountinfo.mounts(container.pid) or [] if each.point == "/dev"]
    assert "ro" in mounts[-1].options
    result = container.run("touch /dev/made-inside; echo x >/dev/null; test -c /dev/null")
    assert result.status == 0
    assert "cannot touch" in result.output
    assert not Path("/dev/made-inside").exists()
    assert container.run("echo x >/dev/shm/mine; ls /dev/shm").output == "mine\n"
    assert not Path("/dev/shm/mine").exists()


def test_bash_keeps_its_directory_variables_and_jobs(
    container: Container, sentinel: Path
) -> None:
    container.run(f"cd {sentinel}; kept=yes")
    container.fence(root())
    assert container.run("echo $kept; pwd; ls -1").output == f"yes\n{sentinel}\nkept\n"
    container.run("rm kept")
    container.peel("root")
    assert container.run("echo $kept; pwd; ls -1").output == f"yes\n{sentinel}\nkept\n"


def test_open_directories_are_moved_inside_and_back_again(
    container: Container, sentinel: Path
) -> None:
    container.run(f"exec 7<{sentinel} 8<{sentinel}/kept")
    change = container.fence(root())
    container.run("touch /proc/self/fd/7/inside")
    assert f"fd 7 led to {sentinel} of the other root, and was moved here" in change.notes
    assert f"fd 8 is still {sentinel}/kept of the other root: close it" in change.notes
    assert container.run(f"ls -1 {sentinel}").output == "inside\nkept\n"
    container.peel("root")
    assert container.run("ls -1 /proc/self/fd/7/").output == "kept\n"


def test_a_directory_that_is_not_inside_is_closed(
    container: Container, sentinel: Path, tree: Path
) -> None:
    container.run(f"exec 7<{sentinel}; cd {sentinel}")
    change = container.fence(root(base=str(tree)))
    assert f"fd 7 led to {sentinel} of the other root, so it was closed" in change.notes
    assert 7 not in procfs.fds(container.pid)
    assert container.run("pwd; echo *").output == "/\ndev only-here proc sys\n"


def test_a_directory_becomes_the_root(container: Container, tree: Path) -> None:
    container.fence(root(base=str(tree)))
    assert container.run("cd /; echo * $(</only-here)").output == (
        "dev only-here proc sys inside\n"
    )
    container.run("echo written >/by-bash")
    assert (tree / "by-bash").read_text() == "written\n"
    container.peel("root")
    assert container.run("test -d /usr").status == 0


def test_nothing_is_made_in_a_directory_of_the_host(container: Container, tree: Path) -> None:
    for name in ("sys", "dev"):
        (tree / name).rmdir()
    with pytest.raises(Refused, match=f"{tree} has no /sys, /dev") as refused:
        container.fence(root(base=f"{tree}/"))
    assert refused.value.fix == f"mkdir {tree}/sys {tree}/dev"
    assert sorted(each.name for each in tree.iterdir()) == ["only-here", "proc"]
    assert container.run("test -d /usr").status == 0


@pytest.mark.parametrize("base", ["overlay", "tree"])
def test_a_read_only_root_takes_nothing(base: str, container: Container, tree: Path) -> None:
    container.fence(root(base=str(tree) if base == "tree" else base, ro="yes"))
    result = container.run("echo x 2>&1 >/new")
    assert "Read-only file system" in result.output
    assert not (tree / "new").exists()
    assert container.run("echo x >/dev/null").status == 0


def test_the_host_root_cannot_be_reached_by_way_of_the_parent(
    container: Container, tree: Path
) -> None:
    container.fence(root(base=str(tree)))
    assert container.run("cd /../../..; echo *").output == "dev only-here proc sys\n"
    mounts = mountinfo.mounts(container.pid) or []
    assert {each.point.split("/")[1] for each in mounts} == {"", "proc", "sys", "dev"}


def test_other_containers_keep_their_own_files(playground: Playground, sentinel: Path) -> None:
    one, two = playground.new("one"), playground.new("two")
    for each in (one, two):
        each.fence(root())
    one.run(f"rm {sentinel}/kept; touch {sentinel}/one")
    assert two.run(f"ls -1 {sentinel}").output == "kept\n"


def test_below_it_other_fences_come_and_go(container: Container, sentinel: Path) -> None:
    before = identities(container.pid)
    container.fence(root())
    container.run(f"touch {sentinel}/written")
    for kind in ("pid", "uts"):
        container.fence(REGISTRY[kind]())
    assert container.run(f"ls -1 {sentinel}; echo $$").output == "kept\nwritten\n1\n"
    container.peel("pid")
    assert container.run(f"ls -1 {sentinel}").output == "kept\nwritten\n"
    container.peel("root")
    assert container.run(f"ls -1 {sentinel}").output == "kept\n"
    container.peel_all()
    assert identities(container.pid) == before


def test_a_parked_bash_comes_out_of_it_too(container: Container, sentinel: Path) -> None:
    container.fence(root())
    for kind in ("user", "pid"):
        if kind not in [each.fence for each in container.fences() if each.up]:
            container.fence(REGISTRY[kind]())
    container.run(f"touch {sentinel}/written")
    container.peel("root")
    assert container.run(f"ls -1 {sentinel}").output == "kept\n"
    container.peel("pid")
    assert container.run(f"ls -1 {sentinel}").output == "kept\n"


def test_mnt_stays_as_long_as_a_root_stands_in_it(container: Container) -> None:
    change = container.fence(root())
    assert "mnt" in [each.fence for each in change.first]
    with pytest.raises(Refused, match=r"root stands on mnt .*peel root, first"):
        container.peel("mnt")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"base": "/does/not/exist"}, "/does/not/exist is not a directory"),
        ({"base": "/"}, "/ is the root already .*fence root overlay"),
        ({"base": "/usr/.."}, "is the root already"),
        ({"base": "/usr", "image": "web"}, "a directory or an image, not both"),
    ],
)
def test_what_is_no_root_is_refused(options: dict[str, str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        root(**options)


def test_an_image_that_is_not_there_is_refused_and_nothing_went_up(
    container: Container,
) -> None:
    before = identities(container.pid)
    with pytest.raises(Refused, match="there is no image"):
        container.fence(root(image="not-there"))
    assert identities(container.pid) == before


def test_a_root_that_cannot_be_built_leaves_the_bash_where_it_was(
    container: Container, tree: Path, sentinel: Path
) -> None:
    # A file where /proc has to be: it turns out when the root is there already.
    (tree / "proc").rmdir()
    (tree / "proc").touch()
    container.run(f"cd {sentinel}")
    open_before = opened(container)
    with pytest.raises(Refused, match="root: "):
        container.fence(root(base=str(tree)))
    assert container.run("pwd; cat kept").output == f"{sentinel}\nof the host"
    assert opened(container) == open_before
    assert "root" not in [each.fence for each in container.fences() if each.up]


def test_a_new_bash_has_the_same_files(sentinel: Path) -> None:
    with Playground(Settings(live=False)) as playground:
        container = playground.new("box")
        container.fence(root())
        container.run(f"touch {sentinel}/written")
        container.fence(REGISTRY["uts"]())
        assert container.run(f"ls -1 {sentinel}").output == "kept\nwritten\n"
        container.peel("root")
        assert container.run(f"ls -1 {sentinel}").output == "kept\n"


def test_when_its_bash_ends_the_files_do(playground: Playground, sentinel: Path) -> None:
    container = playground.new("box")
    ours = set(Path("/proc/self/fd").iterdir())
    container.fence(root())
    container.run(f"rm {sentinel}/kept")
    playground.stop(container)
    assert set(Path("/proc/self/fd").iterdir()) <= ours


def test_an_image_becomes_the_root_and_stays_as_it_is(container: Container, tree: Path) -> None:
    store = Store()
    list(import_image(store, tree, "web"))
    container.fence(root(image="web"))
    assert (
        container.run("echo / /*; echo x >/only-here").output
        == "/ /dev /only-here /proc /sys\n"
    )
    container.peel("root")
    container.fence(root(image="web"))
    assert container.run("echo $(</only-here)").output == "inside\n"
    container.peel("root")
    layer = store.layers / layer_name(store.get("web").config.chain_ids[-1])
    assert layer.is_dir()
    store.remove_name(store.find("web")[0])
    assert store.collect_garbage()
    assert not layer.exists()


def test_a_pod_shares_its_files(playground: Playground, sentinel: Path) -> None:
    one, two = playground.new("one"), playground.new("two")
    with pytest.raises(Refused, match="one has the same root namespace already"):
        two.fence(root(join="one"))
    one.fence(root())
    one.run(f"touch {sentinel}/written")
    two.fence(root(join="one"))
    assert two.run(f"ls -1 {sentinel}").output == "kept\nwritten\n"
    two.peel("root")
    assert two.run(f"ls -1 {sentinel}").output == "kept\n"


def test_what_is_mounted_comes_off_before_the_files_of_another_are_shared(
    playground: Playground,
) -> None:
    one, two = playground.new("one"), playground.new("two")
    one.fence(root())
    two.fence(REGISTRY["dev"]())
    with pytest.raises(Refused, match=r"dev stands here, .*tree of one .*peel dev, first"):
        two.fence(root(join="one"))
    assert "dev" in [each.fence for each in two.fences() if each.up]


@pytest.mark.ptrace
@pytest.mark.parametrize("above", ["caps", "nnp", "user"])
def test_it_comes_off_below_a_fence_that_bash_cannot_leave(
    above: str, container: Container, sentinel: Path
) -> None:
    container.fence(root())
    if above not in [each.fence for each in container.fences() if each.up]:
        container.fence(REGISTRY[above]())
    container.run(f"touch {sentinel}/written")
    container.peel("root")
    assert container.run(f"ls -1 {sentinel}").output == "kept\n"
    assert above in [each.fence for each in container.fences() if each.up]
    container.fence(root())
    container.run(f"touch {sentinel}/written")
    container.peel_all()
    assert container.run(f"ls -1 {sentinel}").output == "kept\n"


def test_where_there_can_be_no_overlay_the_files_are_read_only_and_that_is_said(
    tmp_path: Path, tree: Path
) -> None:
    (tree / "below").mkdir()
    (tree / "below" / "kept").write_text("kept")
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    how = "" if os.geteuid() == 0 else ",userxattr"
    script = f"""
        mount -t tmpfs tmpfs {tmp_path} -o mode=755 || exit 99
        cd {tmp_path} && mkdir lower one two 1 2 3 4
        mount -t overlay 1 one -o lowerdir=lower,upperdir=1,workdir=2{how} || exit 99
        mount -t overlay 2 two -o lowerdir=one,upperdir=3,workdir=4{how} || exit 99
        mkdir -p tree/below; echo kept >tree/below/kept; cd /
        export XDG_DATA_HOME={tmp_path}/two
        exec {sys.executable} -m shellplay --no-config --plain
    """
    typed = f"""
        image import {tmp_path}/tree one\nnew\nfence root image=one
        in echo /below/* /made $(</below/kept); echo x >/below/x; echo y >/made\ndiff files
        commit two\npeel root\nfence root image=two
    """
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", script],
        input=typed, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode == 99:
        pytest.skip(f"no overlays on overlays here: {done.stderr.strip()}")
    said = done.stdout + done.stderr
    assert "/below: read-only, as no overlay can be over it" in said
    assert "/below/kept /made kept" in said
    assert "/below/x: Read-only file system" in said
    assert "A /made" in said
    assert "root: no overlay can be over these layers" in said


@pytest.fixture
def mounted(container: Container, tmp_path: Path) -> Path:
    """A file system that is mounted below the host's root, as bash sees it."""
    container.fence(REGISTRY["mnt"]())
    tmp_path.chmod(0o755)
    place = tmp_path / "mounted"
    place.mkdir()
    container.run(f"mount -t tmpfs -o mode=1770,gid=12 tmpfs {place}; echo host >{place}/kept")
    return place


@pytest.mark.root
def test_what_is_mounted_on_the_host_is_seen_and_kept_as_it_was(
    container: Container, mounted: Path
) -> None:
    container.run(f"mkdir {mounted}/inner; mount -t tmpfs tmpfs {mounted}/inner")
    container.run(f"echo host >{mounted}/inner/deep; touch {mounted}/file")
    container.run(f"mount --bind /etc/passwd {mounted}/file")
    change = container.fence(root())
    seen = container.run(f"cat {mounted}/kept {mounted}/inner/deep; stat -c %a:%g {mounted}")
    assert seen.output == "host\nhost\n1770:12\n"
    assert container.run(f"cmp {mounted}/file /etc/passwd").status == 0
    assert f"{mounted}/file: read-only, as no overlay can be over it" in change.notes
    container.run(f"rm -r {mounted}/kept {mounted}/inner/deep; echo x >{mounted}/inner/new")
    assert [(each.kind, each.path) for each in container.files.changes()] == [
        *(("C", str(path)) for path in reversed([mounted, *mounted.parents][:-1])),
        ("C", f"{mounted}/inner"),
        ("D", f"{mounted}/inner/deep"),
        ("A", f"{mounted}/inner/new"),
        ("D", f"{mounted}/kept"),
    ]
    container.peel("root")
    assert container.run(f"cd {mounted}; cat kept inner/deep; ls inner").output == (
        "host\nhost\ndeep\n"
    )


@pytest.mark.root
def test_a_mount_that_another_lies_over_stays_hidden(
    container: Container, mounted: Path
) -> None:
    container.run(f"mount -t tmpfs tmpfs {mounted}; echo upper >{mounted}/seen")
    container.fence(root())
    assert container.run(f"ls {mounted}").output == "seen\n"
