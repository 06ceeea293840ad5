"""Namespaces are told apart, held open and asked for their owner and parent."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.errors import KernelError
from shellplay.kernel import namespaces, procfs
from shellplay.model import NamespaceId


@pytest.fixture
def fenced() -> Iterator[int]:
    """A process in user, pid and uts namespaces of its own."""
    words = ["unshare", "--user", "--map-root-user", "--uts", "--pid", "--fork", "--kill-child"]
    with subprocess.Popen(
        [*words, "sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE
    ) as outer:
        assert outer.stdout is not None
        if outer.stdout.readline() != b"ready\n":
            pytest.skip("this user may not make a user namespace")
        (child,) = procfs.children(outer.pid)
        yield child
        outer.kill()


def test_the_kinds_come_in_the_order_in_which_they_are_entered() -> None:
    assert namespaces.KINDS == ("user", "mnt", "uts", "ipc", "net", "pid", "cgroup", "time")
    assert namespaces.CLONE_FLAGS["net"] == 0x40000000


def test_this_process_has_a_namespace_of_every_supported_kind() -> None:
    found = namespaces.identities()
    assert tuple(found) == namespaces.KINDS
    for kind, identity in found.items():
        assert (identity is not None) == namespaces.supported(kind)
        if identity is not None:
            assert str(identity) == str(Path(f"/proc/self/ns/{kind}").readlink())
    assert not namespaces.supported("smell")


def test_the_namespace_for_children_is_of_the_plain_kind() -> None:
    assert namespaces.identify("self", "pid_for_children") == namespaces.identify("self", "pid")


def test_a_process_that_has_gone_has_no_namespaces() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert set(namespaces.identities(child.pid).values()) == {None}
    with pytest.raises(KernelError, match="ENOENT") as caught:
        namespaces.open_namespace(child.pid, "net")
    assert caught.value.errno == errno.ENOENT


def test_a_fenced_process_differs_only_where_it_is_fenced(fenced: int) -> None:
    ours, theirs = namespaces.identities(), namespaces.identities(fenced)
    assert {kind for kind in ours if ours[kind] != theirs[kind]} == {"user", "uts", "pid"}


@pytest.mark.everyone
def test_an_open_namespace_tells_its_owner_and_parent(fenced: int) -> None:
    ours, theirs = namespaces.identities(), namespaces.identities(fenced)
    uts, pid, user = (
        namespaces.open_namespace(fenced, kind) for kind in ("uts", "pid", "user")
    )
    try:
        assert namespaces.of_descriptor(uts) == theirs["uts"]
        assert namespaces.owner(uts) == theirs["user"]
        assert namespaces.parent(pid) == ours["pid"]
        assert namespaces.parent(user) == ours["user"]
        assert namespaces.owner_uid(user) == os.geteuid()
        with pytest.raises(KernelError, match="EINVAL"):
            namespaces.parent(uts)
        assert not os.get_inheritable(uts)
    finally:
        for fd in (uts, pid, user):
            os.close(fd)


def test_a_lineage_goes_from_the_innermost_namespace_outwards(fenced: int) -> None:
    ours, theirs = namespaces.identities(), namespaces.identities(fenced)
    assert namespaces.lineage(fenced, "pid") == (theirs["pid"], ours["pid"])
    assert namespaces.lineage(fenced, "user") == (theirs["user"], ours["user"])
    assert namespaces.lineage("self", "pid") == (ours["pid"],)


def test_the_parent_of_the_outermost_namespace_is_out_of_sight() -> None:
    fd = namespaces.open_namespace("self", "user")
    try:
        assert namespaces.parent(fd) is None
    finally:
        os.close(fd)


def test_a_descriptor_of_something_else_is_refused() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(KernelError, match="ENOTTY"):
            namespaces.of_descriptor(reader)
    finally:
        os.close(reader)
        os.close(writer)


def test_two_namespaces_are_the_same_only_with_device_and_inode() -> None:
    assert NamespaceId("net", 4, 1) != NamespaceId("net", 5, 1)
