"""A user fence changes who bash is, on the host as well as inside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import ShellplayError
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground


@pytest.mark.root
@pytest.mark.parametrize("others", ["0:100000:65536", "auto"])
def test_behind_a_map_of_others_root_owns_none_of_roots_files(
    others: str, container: Container, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host\n")
    secret.chmod(0o600)
    container.fence(REGISTRY["user"].parse({"map": others}))
    assert "of the host" not in container.run(f"cat {secret}").output
    assert container.run("id -u").output == "0\n"


@pytest.mark.root
def test_who_joins_the_users_of_another_is_one_of_them(
    playground: Playground, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The bash, and a program that ``exec`` starts beside it."""
    secret = tmp_path / "secret"
    secret.write_text("of the host\n")
    secret.chmod(0o600)
    first, second = playground.new("first"), playground.new("second")
    first.fence(REGISTRY["user"].parse({"map": "0:100000:65536"}))
    second.fence(REGISTRY["user"].parse({"join": "first"}))
    assert "of the host" not in second.run(f"cat {secret}").output
    assert second.run("id -u").output == "0\n"
    assert first.exec(["cat", str(secret)], terminal=False) == 1
    assert "of the host" not in capfd.readouterr().out


@pytest.mark.userns
def test_groups_cannot_be_dropped_behind_a_map_of_ones_own(container: Container) -> None:
    """Whoever drops a group reaches what is closed to that group (CVE-2014-8989)."""
    container.fence(REGISTRY["user"]())
    assert Path(f"/proc/{container.pid}/setgroups").read_text() == "deny\n"


@pytest.mark.everyone
def test_what_runs_beside_has_no_inheritable_capabilities(container: Container) -> None:
    """A program with file capabilities would get them (CVE-2022-29162, CVE-2022-27649)."""
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["caps"]())
    line = "grep -E 'Cap(Inh|Amb)' /proc/self/status"
    assert set(container.run(line).output.split()) - {"CapInh:", "CapAmb:"} == {"0" * 16}


@pytest.mark.userns
def test_a_map_that_was_not_given_to_a_user_is_refused(container: Container) -> None:
    """CVE-2018-7169 and others: newuidmap writes what /etc/subuid says, and no more."""
    with pytest.raises(ShellplayError):
        container.fence(REGISTRY["user"].parse({"map": "0:0:1"}))
    assert container.run("id -u").output == f"{os.geteuid()}\n"
