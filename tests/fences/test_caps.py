"""The caps fence: which capabilities are left, in every set, and who obeys."""

from __future__ import annotations

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.caps import Caps
from shellplay.kernel.capabilities import NAMES, Sets, mask
from shellplay.model import How

pytestmark = pytest.mark.everyone
DOCKER = 0xA80425FB


def sets(pid: int) -> Sets:
    """Return the capability sets of a process."""
    found = Caps.fact(pid)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, DOCKER),
        ({"preset": "docker"}, DOCKER),
        ({"preset": "none"}, 0),
        ({"preset": "docker", "keep": "net_admin"}, DOCKER | 1 << 12),
        ({"preset": "docker", "drop": "CAP_NET_RAW,chown"}, DOCKER & ~(1 << 13) & ~1),
        ({"keep": "kill,Net_Raw"}, 1 << 5 | 1 << 13),
        ({"drop": "sys_admin"}, mask(NAMES) & ~(1 << 21)),
        ({"drop": "ALL", "keep": "chown,kill"}, 1 | 1 << 5),
        ({"preset": "docker", "drop": "all"}, 0),
        ({"keep": "all", "drop": "sys_admin"}, mask(NAMES) & ~(1 << 21)),
    ],
)
def test_what_is_left_follows_from_the_words(options: dict[str, str], left: int) -> None:
    assert Caps.parse(options).left() == left


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"no capability 'net_row' .*did you mean \"net_raw\""):
        Caps.parse({"keep": "net_row"})
    with pytest.raises(UsageError, match=r"no capability 'qqq' \(man 7 capabilities has them"):
        Caps.parse({"drop": "qqq"})


def test_to_keep_all_is_no_fence() -> None:
    with pytest.raises(UsageError, match="all are kept, so none is dropped"):
        Caps.parse({"keep": "all"})


@pytest.mark.parametrize("preset", ["docker", "none"])
def test_all_five_sets_are_set_on_purpose(preset: str, container: Container) -> None:
    left = DOCKER if preset == "docker" else 0
    container.fence(Caps(preset=preset))
    assert sets(container.pid) == Sets(0, left, left, left, 0)
    # What bash starts as root may have what is left, and nothing else.
    child = container.run("grep ^Cap /proc/self/status | cut -f2").output.split()
    assert child == [f"{each:016x}" for each in (0, left, left, left, 0)]


def test_what_was_dropped_is_missed_and_what_was_kept_works(container: Container) -> None:
    container.fence(Caps(drop="sys_chroot"))
    assert container.run("chroot / true").status == 125
    container.peel("caps")
    container.fence(Caps(keep="sys_chroot"))
    assert container.run("chroot / true").status == 0


@pytest.mark.ptrace
def test_a_namespace_goes_up_below_although_bash_may_no_longer_make_one(
    container: Container,
) -> None:
    container.fence(Caps(preset="none"))
    change = container.fence(REGISTRY["uts"]())
    assert "caps came off and went up again, above it" in change.notes
    assert sets(container.pid).bounding == 0
    container.peel("uts")
    assert sets(container.pid).bounding == 0
    container.peel("caps")
    assert sets(container.pid).bounding != 0


@pytest.mark.ptrace
def test_a_user_fence_does_not_bring_the_capabilities_back(container: Container) -> None:
    container.fence(Caps(preset="none"))
    if "user" not in [each.fence for each in container.fences() if each.up]:
        container.fence(REGISTRY["user"]())
    assert sets(container.pid) == Sets(0, 0, 0, 0, 0)


def test_an_ordinary_user_gets_a_user_fence_first(container: Container) -> None:
    change = container.fence(Caps())
    user = container.run("cat /proc/self/uid_map").output.split()[1] != "0"
    assert [each.fence for each in change.first] == (["user"] if user else [])
    assert change.how is How.FORKED
    if user:
        with pytest.raises(Refused, match="caps stands inside user"):
            container.peel("user")
