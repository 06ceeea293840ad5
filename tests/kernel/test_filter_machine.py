"""A filter that is run here answers as the kernel does."""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.kernel import constants as k
from shellplay.kernel.filter_machine import answer, installed
from shellplay.kernel.seccomp import (
    ALLOW,
    Action,
    Condition,
    Rule,
    Rules,
    call_number,
    compiled,
)

DENIED = k.SECCOMP_RET_ERRNO | errno.EPERM


def number(name: str) -> int:
    """Return the number of a call that this processor has."""
    found = call_number(name)
    assert found is not None
    return found


@given(st.integers(0, 2**64 - 1))
def test_conditions_on_an_argument_hold_for_all_its_64_bits(value: int) -> None:
    limit = 2**40 + 5
    rule = Rule(("kill",), Action("errno"), (Condition(0, "GE", limit),))
    program = compiled(Rules(ALLOW, (rule,)))
    denied = answer(program, number("kill"), [value]) == DENIED
    assert denied is (value >= limit)
    assert answer(program, number("mkdirat"), [value]) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize(
    "program", [b"", struct.pack("=HBBI", 0x05, 0, 0, 9), struct.pack("=HBBI", 0x20, 0, 0, 0)]
)
def test_what_does_not_end_with_an_answer_is_refused(program: bytes) -> None:
    with pytest.raises(ValueError, match="does not end"):
        answer(program, 0, [])


@pytest.mark.root
@pytest.mark.ptrace
@pytest.mark.parametrize(
    ("name", "arguments", "denied"),
    [
        ("unshare", [0], True),
        ("clone", [k.CLONE_NEWUSER], True),
        ("clone", [k.SIGCHLD], False),
        ("socket", [40, 1, 0], True),
        ("socket", [2, 1, 0], False),
        ("openat", [0], False),
    ],
)
def test_the_installed_filter_of_docker_is_read_and_run(
    container: Container, name: str, arguments: Sequence[int], denied: bool
) -> None:
    container.fence(REGISTRY["caps"]())
    container.fence(REGISTRY["seccomp"]())
    filters = installed(container.pid)
    assert filters is not None
    assert len(filters) == 1
    found = answer(filters[0], number(name), arguments)
    assert (found != k.SECCOMP_RET_ALLOW) is denied
