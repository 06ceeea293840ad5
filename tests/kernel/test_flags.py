"""Flag words are told by the names of the man pages."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from shellplay.kernel import constants as k
from shellplay.kernel.flag_names import (
    CLONE_BITS,
    MOUNT_BITS,
    PRCTL_NAMES,
    clone_flags,
    mount_flags,
)
from shellplay.kernel.namespaces import CLONE_FLAGS


@given(st.sets(st.sampled_from(sorted(CLONE_BITS))))
def test_the_names_of_clone_flags_are_those_that_are_set(names: set[str]) -> None:
    word = sum(CLONE_BITS[name] for name in names)
    assert set(clone_flags(word | k.SIGCHLD)) == names


@given(st.sets(st.sampled_from(sorted(MOUNT_BITS))))
def test_the_names_of_mount_flags_are_those_that_are_set(names: set[str]) -> None:
    assert set(mount_flags(sum(MOUNT_BITS[name] for name in names))) == names


def test_every_bit_stands_for_itself_alone() -> None:
    for bits in (CLONE_BITS, MOUNT_BITS):
        assert all(value.bit_count() == 1 for value in bits.values())
        assert len(set(bits.values())) == len(bits)
    assert set(CLONE_FLAGS.values()) < set(CLONE_BITS.values())


def test_the_order_is_that_in_which_namespaces_are_entered() -> None:
    assert clone_flags(k.CLONE_NEWNET | k.CLONE_NEWUSER) == ["CLONE_NEWUSER", "CLONE_NEWNET"]
    assert clone_flags(0) == mount_flags(0) == []
    assert PRCTL_NAMES[15] == "PR_SET_NAME"


def test_the_numbers_are_those_of_the_c_library() -> None:
    # Python has them from the headers since 3.12; what an older one lacks is not compared.
    for name, value in CLONE_BITS.items():
        assert getattr(os, name, value) == value
    assert (k.MS_REC, k.MS_PRIVATE, k.MS_SLAVE) == (0x4000, 0x40000, 0x80000)
