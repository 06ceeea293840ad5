"""Act in the namespaces of a bash: by the bash itself, or by a broker that joins them."""

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
    """Start a stub in all namespaces of a process for the block, and yield it.

    Its root directory is the container root.  It has CAP_SYS_ADMIN over the mount namespace:
    it joins the user namespace that owns it, which may be an ancestor of that of ``pid``.
    """
    stubs: dict[Stub, int] = {}
    with ExitStack() as pidfds:

        def hold(stub: Stub) -> Stub:
            stubs[stub] = pidfds.enter_context(pidfd(stub.pid))
            return stub

        try:
            stub = hold(monitor.stub())
            # Before it joins: a privileged process inside could read its memory then.
            stub.set_undumpable()
            yield _joined(stub, pid, hold)
        finally:
            _end(monitor, stubs)


def host_name(monitor: Monitor, pid: int) -> str:
    """Return the host name that a process sees, uname(2); raises KernelError.

    /proc shows each reader the name of its own UTS namespace, so a stub joins that of ``pid``.
    """
    stub = monitor.stub()
    with pidfd(stub.pid) as held:
        try:
            stub.set_undumpable()
            _join_owner(stub, pid, "uts")
            if namespaces.identify(pid, "uts") != namespaces.identify(stub.pid, "uts"):
                with pidfd(pid) as target, stub.passed(target) as number:
                    stub.setns(number, namespaces.CLONE_FLAGS["uts"], of=pid)
            return stub.hostname()
        finally:
            _end(monitor, {stub: held})


def _end(monitor: Monitor, stubs: Mapping[Stub, int]) -> None:
    """Kill stubs, and wait until the monitor has reaped them.

    A program inside may have sent SIGSTOP to a stub: a stopped stub does not exit when we
    close its socket.  After the wait no program inside can see a stub.
    """
    for stub, held in stubs.items():
        stub.quit()
        with suppress(KernelError):  # The stub may have ended already.
            HERE.pidfd_send_signal(held, signal.SIGKILL)
    for stub in stubs:
        monitor.status_of(stub.pid)


@contextmanager
def mount_caller(monitor: Monitor, shell: Shell, *, by_itself: bool) -> Iterator[Caller]:
    """Yield the caller that mounts for a bash, for the block.

    The bash itself takes a tenth of the time of a broker.  A broker is used without
    ``by_itself``, if the bash has given up the privileges, or if ptrace(2) is refused.
    """
    with ExitStack() as held:
        caller: Caller | None = None
        if by_itself and _may_mount(shell):
            # Where ptrace(2) is refused, this fails at once.
            with suppress(KernelError):
                caller = held.enter_context(shell.seized())
        yield caller or held.enter_context(broker(monitor, shell.pid))


def _may_mount(shell: Shell) -> bool:
    if not shell.has_sys_admin() or shell.status.seccomp:
        return False
    with _owner(shell.pid, "mnt") as owner:
        return namespaces.of_descriptor(owner) == namespaces.identify(shell.pid, "user")


def _joined(stub: Stub, pid: int, hold: Callable[[Stub], Stub]) -> Stub:
    _join_owner(stub, pid, "mnt")
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
        # setns(2) with a PID namespace moves only the children.  And a mount of proc shows the
        # PID namespace of its mounter, so a child must mount it.
        with stub.forked() as (copy, _):
            assert isinstance(copy, Stub)
            return hold(copy)
    return stub


def _join_owner(stub: Stub, pid: int, space: str) -> None:
    with _owner(pid, space) as owner:
        if namespaces.of_descriptor(owner) != namespaces.identify(stub.pid, "user"):
            with stub.passed(owner) as number:
                stub.setns(number, namespaces.CLONE_FLAGS["user"], of="its owner")
            credentials.become_mapped(stub)


@contextmanager
def _owner(pid: int, space: str) -> Iterator[int]:
    """Open the user namespace that owns a namespace of a process, for the block."""
    owned = namespaces.open_namespace(pid, space)
    try:
        owner = namespaces.open_owner(owned)
    finally:
        os.close(owned)
    try:
        yield owner
    finally:
        os.close(owner)
