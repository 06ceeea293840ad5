"""A process that joins what a bash is in, for a moment, to mount there in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.kernel import namespaces
from shellplay.kernel.caller import Caller
from shellplay.kernel.stub import Stub
from shellplay.kernel.tracee import pidfd
from shellplay.shell.guardian import Guardian


@contextmanager
def insider(guardian: Guardian, pid: int) -> Iterator[Caller]:
    """Give a process in all namespaces of another for the block, at the root of its tree.

    It has all privileges over the table of mounts: it is in the user namespace that this
    belongs to, which may be one outside of that of the other.
    """
    stubs = [guardian.stub()]
    try:
        yield _joined(stubs, pid)
    finally:
        for each in stubs:
            each.quit()
        for each in stubs:
            # Only when they were reaped nobody inside can see them any more.
            guardian.status_of(each.pid)


def _joined(stubs: list[Stub], pid: int) -> Stub:
    [stub] = stubs
    _join_owner(stub, pid)
    wanted, now = namespaces.identities(pid), namespaces.identities(stub.pid)
    flags = sum(
        namespaces.CLONE_FLAGS[kind]
        for kind in wanted
        if kind != "user" and wanted[kind] != now[kind]
    )
    if flags:
        with pidfd(pid) as target, stub.passed(target) as number:
            stub.setns(number, flags, of=pid)
    if wanted["pid"] != now["pid"]:
        # Only its children are in there, and what it mounts shows where it is itself.
        with stub.forked() as (copy, _):
            assert isinstance(copy, Stub)
        stubs.append(copy)
        return copy
    return stub


def _join_owner(stub: Stub, pid: int) -> None:
    mounts = namespaces.open_namespace(pid, "mnt")
    try:
        owner = namespaces.open_owner(mounts)
    finally:
        os.close(mounts)
    try:
        if namespaces.of_descriptor(owner) != namespaces.identify(stub.pid, "user"):
            with stub.passed(owner) as number:
                stub.setns(number, namespaces.CLONE_FLAGS["user"], of="its owner")
    finally:
        os.close(owner)
