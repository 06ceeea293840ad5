"""fence net pasta: a way out without root, or why there is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.network import rootless
from tests.repl.program import environment

PASTA = {"mode": "pasta"}


def program(directory: Path, name: str) -> None:
    """Put the real program of a name alone into a directory."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    (directory / name).symlink_to(found)


@pytest.mark.userns
@pytest.mark.parametrize("name", ["pasta", "slirp4netns"])
def test_it_leads_out_and_goes_with_the_fence(
    name: str, container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, name)
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        rootless.require()
    except Refused as error:
        pytest.skip(str(error))
    change = container.fence(REGISTRY["net"].parse(PASTA))
    assert f"{name} leads out" in change.notes
    routes = container.run("cat /proc/net/route").output
    assert any(line.split()[1] == "00000000" for line in routes.splitlines()[1:])
    assert container.network.addresses
    assert "nameserver 1" in container.run("cat /etc/resolv.conf").output
    container.peel("net")
    assert container.run("cat /etc/resolv.conf").output == Path("/etc/resolv.conf").read_text()


@pytest.mark.userns
@pytest.mark.parametrize("line", ["fence docker", "run -d host sleep 1000"])
def test_the_network_is_fenced_all_the_same_where_the_host_has_no_way_out(
    line: str, tmp_path: Path
) -> None:
    program(tmp_path, "pasta")
    offline = ["unshare", "--user", "--map-current-user", "--net", sys.executable]
    done = subprocess.run(
        [*offline, "-m", "shellplay", "-c", f"{line}; fences --json"],
        capture_output=True, text=True, env=environment(), check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing leads out of net: " in done.stderr
    [net] = [each for each in json.loads(done.stdout)["fences"] if each["fence"] == "net"]
    assert net["up"]


@pytest.mark.everyone
def test_without_a_program_it_says_what_to_install(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match="neither pasta nor slirp4netns") as refused:
        container.fence(REGISTRY["net"].parse(PASTA))
    assert refused.value.fix == "apt-get install passt"
    assert not any(each.up for each in container.fences())


@pytest.mark.userns
def test_an_ordinary_user_is_told_what_leads_out_instead_of_a_bridge(
    container: Container,
) -> None:
    assert os.geteuid() != 0
    with pytest.raises(Refused, match="a bridge on the host takes root") as refused:
        container.fence(REGISTRY["net"].parse({"mode": "bridge"}))
    assert refused.value.fix == "fence net pasta"
    container.fence(REGISTRY["net"]())
    with pytest.raises(Refused, match="a bridge on the host takes root"):
        container.network.connect()
    assert not any(each.fence == "mnt" and each.up for each in container.fences())
