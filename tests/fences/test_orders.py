"""Any two fences in any order, and all eight in many: the host is as it was at the end."""

from __future__ import annotations

import os
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import KINDS, REGISTRY
from shellplay.playground.playground import Playground
from tests.fences.host import changed, digest, identities

pytestmark = pytest.mark.everyone


def user_below(kind: str, up: list[str]) -> bool:
    """Tell whether a peel must be refused: what is above user needs it."""
    return os.geteuid() != 0 and kind == "user" and set(up) != {"user"}


def check(container: Container, up: list[str]) -> None:
    """Check that exactly the fences in ``up`` stand, and that bash works."""
    assert changed(container.pid, identities()) == set(up)
    assert [each.fence for each in container.fences() if each.up] == [
        k for k in KINDS if k in up
    ]
    result = container.run("echo $kept | cat")
    assert (result.status, result.output) == (0, "yes\n")


def fence(container: Container, kind: str, up: list[str]) -> None:
    """Put a fence up, and note it in ``up``."""
    change = container.fence(REGISTRY[kind]())
    up += [*(each.fence for each in change.first), kind]
    check(container, up)


def peel(container: Container, kind: str, up: list[str]) -> None:
    """Take a fence off, if the kernel lets us, and strike it from ``up``."""
    if user_below(kind, up):
        with pytest.raises(Refused, match=r"stands? inside user: without it bash"):
            container.peel(kind)
    else:
        container.peel(kind)
        up.remove(kind)
    check(container, up)


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("off", ["same order", "reverse order"])
def test_every_pair_of_fences_in_both_orders(
    first: str, off: str, playground: Playground
) -> None:
    host = digest()
    for second in KINDS:
        if second == first or (os.geteuid() != 0 and second == "user"):
            continue
        container = playground.new()
        container.run("kept=yes")
        up: list[str] = []
        fence(container, first, up)
        fence(container, second, up)
        for kind in (first, second) if off == "same order" else (second, first):
            peel(container, kind, up)
        container.peel_all()
        check(container, [])
        assert container.parked == []
        playground.stop(container)
    assert digest() == host


ORDERS = st.permutations(KINDS)


@pytest.mark.slow
@settings(
    max_examples=25, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(on=ORDERS, off=ORDERS)
def test_all_eight_in_any_order_on_and_in_any_order_off(
    on: list[str], off: list[str], playground: Playground
) -> None:
    host = digest()
    container = playground.new()
    container.run("kept=yes")
    up: list[str] = []
    for kind in on:
        if kind not in up:
            fence(container, kind, up)
    for kind in off:
        peel(container, kind, up)
    container.peel_all()
    check(container, [])
    playground.stop(container)
    assert digest() == host


def test_all_orders_of_three_forking_fences(playground: Playground) -> None:
    for order in permutations(("user", "pid", "mnt")):
        container = playground.new()
        container.run("kept=yes")
        up: list[str] = []
        for kind in order:
            if kind not in up:
                fence(container, kind, up)
        container.peel_all()
        check(container, [])
        playground.stop(container)
