"""The mount broker of a bash: the bash itself, or a process that joins its namespaces."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from shellplay.errors import KernelError
from shellplay.kernel import credentials, namespaces
from shellplay.kernel.caller import Caller
from shellplay.kernel.here import HERE
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.stub import Stub
from shellplay.monitor.client import Monitor
from shellplay.shell.shell import Shell


@contextmanager
def broker(monitor: Monitor, pid: int) -> Iterator[Caller]:
    """Give a process in all namespaces of another for the block, at the root of its tree.

    It has all privileges over the table of mounts: it is in the user namespace that this
    belongs to, which may be one outside of that of the other.
    """
    stubs: dict[Stub, int] = {}
    with ExitStack() as pidfds:

        def hold(stub: Stub) -> Stub:
            stubs[stub] = pidfds.enter_context(pidfd(stub.pid))
            return stub

        try:
            stub = hold(monitor.stub())
            # Before it joins: from then on a privileged process inside may read its memory.
            stub.conceal()
            yield _joined(stub, pid, hold)
        finally:
            _end(monitor, stubs)


def _end(monitor: Monitor, stubs: Mapping[Stub, int]) -> None:
    """End stubs, whatever state they are in, and wait until the monitor has reaped them.

    A program inside may have sent SIGSTOP to a stub: it would not hear that we hang up.  No
    program inside can see a stub any more that is reaped.
    """
    for stub, held in stubs.items():
        stub.quit()
        with suppress(KernelError):  # It may have ended already.
            HERE.pidfd_send_signal(held, signal.SIGKILL)
    for stub in stubs:
        monitor.status_of(stub.pid)


@contextmanager
def mount_caller(monitor: Monitor, shell: Shell, *, by_itself: bool) -> Iterator[Caller]:
    """Give who mounts for a bash, for the block: it takes a tenth of the time by itself.

    It may have given up what that takes, or not be ours to stop, or not be asked to do it
    ``by_itself``: then a broker does it.
    """
    with ExitStack() as held:
        caller: Caller | None = None
        if by_itself and _may_mount(shell):
            # Where ptrace is refused that costs nothing but the try.
            with suppress(KernelError):
                caller = held.enter_context(shell.seized())
        yield caller or held.enter_context(broker(monitor, shell.pid))


def _may_mount(shell: Shell) -> bool:
    if not shell.has_sys_admin() or shell.status.seccomp:
        return False
    with _owner_of_mounts(shell.pid) as owner:
        return namespaces.of_descriptor(owner) == namespaces.identify(shell.pid, "user")


def _joined(stub: Stub, pid: int, hold: Callable[[Stub], Stub]) -> Stub:
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
            return hold(copy)
    return stub


def _join_owner(stub: Stub, pid: int) -> None:
    with _owner_of_mounts(pid) as owner:
        if namespaces.of_descriptor(owner) != namespaces.identify(stub.pid, "user"):
            with stub.passed(owner) as number:
                stub.setns(number, namespaces.CLONE_FLAGS["user"], of="its owner")
            credentials.become_mapped(stub)


@contextmanager
def _owner_of_mounts(pid: int) -> Iterator[int]:
    """Hold the user namespace that the mounts of a process belong to, for the block."""
    mounts = namespaces.open_namespace(pid, "mnt")
    try:
        owner = namespaces.open_owner(mounts)
    finally:
        os.close(mounts)
    try:
        yield owner
    finally:
        os.close(owner)
