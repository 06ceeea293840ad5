"""Rows: one program behind all of Docker's fences, as a command and in a playground."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from shellplay.docker.options import parse
from shellplay.docker.plan import Plan
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.playground.playground import Playground
from tests.bench.clock import Spent, Watch, program, side_by_side
from tests.bench.table import Row
from tests.parity.daemon import NoDocker, dockerd, remove_cgroups
from tests.parity.image import write

IMAGE = "parity"
BUDGETS = {"docker run --network none": 1 / 12, "runc run": 0.6}
BWRAP = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all")


def rows(rounds: int) -> Iterator[Row]:
    """Yield ``run`` of ``true`` to its end, beside docker, runc, podman and bwrap."""
    if os.geteuid() != 0:
        return
    with ExitStack() as held:
        place = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="sp-bench-")))
        tar = place / "image.tar"
        write(tar)
        peers = dict(_peers(held, place, tar))
        found = side_by_side({"ours": _ours(held, place, tar), **peers}, rounds)
    what = "`run --network none IMAGE true` in a playground, to its end"
    for name in {**BUDGETS, **peers}:
        yield Row.of(what, found["ours"], name, found.get(name), BUDGETS.get(name))


def _ours(held: ExitStack, place: Path, tar: Path) -> Callable[[], Spent]:
    """Return an action that runs a program to its end; its removal is not measured."""
    os.environ["XDG_DATA_HOME"] = str(place / "store")
    held.callback(os.environ.pop, "XDG_DATA_HOME")
    store = Store(place / "store" / "shellplay" / "images")
    for _ in import_image(store, tar, IMAGE):
        pass
    playground = held.enter_context(Playground())
    asked = parse(["-d", "--network", "none", IMAGE, "true"])
    plan = Plan(asked, store.get(IMAGE), "xterm", str)

    def run() -> Spent:
        watch = Watch()
        container = playground.new(None, plan.start(lambda *_: None))
        assert container.process is not None
        container.process.wait()
        spent = watch.spent()
        playground.stop(container)
        return spent

    return run


def _peers(held: ExitStack, place: Path, tar: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    try:
        daemon = held.enter_context(dockerd(place))
    except NoDocker as why:
        print(f"tests.bench: no Docker: {why}", file=sys.stderr)
    else:
        subprocess.run(
            daemon.command("import", str(tar), IMAGE), check=True, capture_output=True
        )
        alone = daemon.command("run", "--rm", "--network", "none", IMAGE, "true")
        yield "docker run --network none", program(*alone)
    if shutil.which("runc"):
        yield "runc run", program("runc", "--root", f"{place}/runc", "run", "-b",
                                  str(_bundle(place, tar)), "bench")  # fmt: skip
    if shutil.which("podman") and shutil.which("runc"):
        yield from _podman(held, place, tar)
    if shutil.which("bwrap"):
        yield "bwrap (namespaces only)", program("bwrap", *BWRAP, "true")


def _podman(
    held: ExitStack, place: Path, tar: Path
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield podman with its files in ``place``, if it works here."""
    podman = ["podman", "--runtime", "runc", "--root", f"{place}/podman",
              "--runroot", f"{place}/podman-run", "--storage-driver", "vfs",
              "--cgroup-manager", "cgroupfs"]  # fmt: skip
    parent = f"shellplay-bench-{os.getpid()}"
    held.callback(remove_cgroups, parent)
    # podman's own limits are above the hard limits of root on some machines.
    limits = ["--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000"]
    run = [*podman, "run", "--rm", "--cgroup-parent", f"/{parent}", *limits,
           "--network", "none", IMAGE, "true"]  # fmt: skip
    first = ([*podman, "import", str(tar), IMAGE], run)
    if all(
        subprocess.run(each, capture_output=True, check=False).returncode == 0 for each in first
    ):
        yield "podman run --network none", program(*run)


def _bundle(place: Path, tar: Path) -> Path:
    """Unpack the image beside the configuration that ``runc spec`` writes."""
    bundle = place / "bundle"
    (bundle / "rootfs").mkdir(parents=True)
    subprocess.run(["tar", "-xf", tar, "-C", bundle / "rootfs"], check=True)
    subprocess.run(["runc", "spec", "-b", bundle], check=True)
    path = bundle / "config.json"
    config = json.loads(path.read_text())
    config["process"].update(terminal=False, args=["true"])
    path.write_text(json.dumps(config))
    return bundle
