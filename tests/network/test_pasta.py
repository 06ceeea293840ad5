"""fence net pasta: a way out without root, or why there is none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from shellplay.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.network import rootless

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
