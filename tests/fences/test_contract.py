"""What every fence in the registry keeps to, and what each of them hides."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, ShellplayError
from shellplay.fences import KINDS, REGISTRY
from shellplay.model import How
from tests.fences.host import changed, digest, identities

pytestmark = pytest.mark.everyone

# A line, and what it prints inside; each of them would change or show the host without.
EFFECTS = {
    "user": ("cat /proc/self/uid_map | tr -s ' '", f" 0 {os.geteuid()} 1\n"),
    "mnt": ("mount -t tmpfs seen-inside /mnt && grep -c seen-inside /proc/mounts", "1\n"),
    "uts": ("hostname renamed && hostname", "renamed\n"),
    "ipc": ("ipcmk -Q >/dev/null && grep -c . /proc/sysvipc/msg", "2\n"),
    "net": ("tail -n +3 /proc/net/dev | cut -d: -f1 | xargs", "lo\n"),
    "pid": ("echo $$ $BASHPID; (echo $BASHPID)", "1 1\n"),
    "cgroup": ("cut -d: -f3 /proc/self/cgroup | sort -u", "/\n"),
    "time": ("readlink /proc/self/ns/time | cut -d: -f1", "time\n"),
}


def needs_user(kind: str) -> bool:
    """Tell whether a user fence goes up first."""
    return os.geteuid() != 0 and kind != "user"


@pytest.mark.parametrize("kind", KINDS)
def test_a_fence_changes_its_own_layer_only_and_peel_brings_it_back(
    kind: str, container: Container
) -> None:
    before, host = identities(container.pid), digest()
    change = container.fence(REGISTRY[kind]())
    assert changed(container.pid, before) == {kind} | ({"user"} if needs_user(kind) else set())
    assert change.namespace == identities(container.pid)[kind]
    assert change.host == before[kind]
    assert digest() == host
    container.peel(kind)
    assert changed(container.pid, before) == ({"user"} if needs_user(kind) else set())
    container.peel_all()
    assert identities(container.pid) == before == identities()
    assert digest() == host


@pytest.mark.parametrize("kind", KINDS)
def test_its_effect_is_seen_from_inside_and_not_on_the_host(
    kind: str, container: Container
) -> None:
    host = digest()
    line, printed = EFFECTS[kind]
    container.fence(REGISTRY[kind]())
    result = container.run(line)
    assert result.output.startswith(printed)
    assert result.status == 0
    assert digest() == host
    container.peel_all()
    assert digest() == host


@pytest.mark.parametrize("kind", KINDS)
def test_inside_and_host_agree_on_the_namespace(kind: str, container: Container) -> None:
    container.fence(REGISTRY[kind]())
    record = {each.fence: each for each in container.fences()}[kind]
    inside = container.run(f"readlink /proc/self/ns/{kind}").output.strip()
    assert inside == f"{kind}:[{record.shell}]"
    assert str(Path(f"/proc/self/ns/{kind}").readlink()) == f"{kind}:[{record.host}]"
    assert record.up
    assert record.shell != record.host


@pytest.mark.ptrace
@pytest.mark.parametrize("kind", KINDS)
def test_the_way_up_follows_from_the_way_down(kind: str, container: Container) -> None:
    before = container.pid
    change = container.fence(REGISTRY[kind]())
    in_place = os.geteuid() == 0 and kind not in ("user", "pid")
    assert change.how is (How.IN_PLACE if in_place else How.FORKED)
    assert (container.pid == before) == in_place
    assert len(container.parked) == (0 if in_place else 1 + needs_user(kind))
    assert [each.fence for each in change.first] == (["user"] if needs_user(kind) else [])
    container.peel_all()
    assert container.pid == before
    assert container.parked == []


@pytest.mark.parametrize("kind", KINDS)
def test_twice_up_or_down_is_refused_and_changes_nothing(
    kind: str, container: Container
) -> None:
    with pytest.raises(Refused, match="is not fenced"):
        container.peel(kind)
    container.fence(REGISTRY[kind]())
    before = identities(container.pid)
    with pytest.raises(Refused, match="is fenced already"):
        container.fence(REGISTRY[kind]())
    assert identities(container.pid) == before


def test_a_fence_that_the_kernel_does_not_show_is_an_error(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All calls go well, and nothing has changed: what they returned is not proof.
    monkeypatch.setattr(REGISTRY["time"], "unshare", lambda fence, caller: None)
    with pytest.raises(ShellplayError, match="the kernel does not show a new time namespace"):
        container.fence(REGISTRY["time"]())


@pytest.mark.parametrize("kind", KINDS)
def test_a_peel_that_the_kernel_does_not_show_is_an_error(
    kind: str, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = container.fence(REGISTRY[kind]()).how
    monkeypatch.setattr(REGISTRY[kind], "remove", lambda fence, target: None)
    if how is How.IN_PLACE:
        with pytest.raises(ShellplayError, match=f"still shows another {kind} namespace"):
            container.peel(kind)
    else:
        assert container.peel(kind).namespace == identities()[kind]
