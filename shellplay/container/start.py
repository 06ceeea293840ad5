"""Start a container behind all of its fences: a stub goes through, and becomes the program.

It is the order of runc: namespaces, files, limits, and what takes privileges away last.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TypeVar, cast

from shellplay.container import apply, user
from shellplay.container.applied import AppliedFence, AppliedFences
from shellplay.container.network import Network
from shellplay.container.process import ContainerProcess
from shellplay.container.spec import StartSpec
from shellplay.container.stack import way_on
from shellplay.container.state import ContainerState
from shellplay.container.volumes import Volumes
from shellplay.errors import KernelError, Refused
from shellplay.fences import Fence, Limit, MountOver, Namespace, Restriction
from shellplay.fences.base.cgroup_limit import CgroupLimit
from shellplay.fences.base.mount_over import mounts_at
from shellplay.fences.base.namespace import hold_namespace
from shellplay.fences.base.target import OpenNamespace
from shellplay.fences.net import Net
from shellplay.fences.pid import Pid
from shellplay.fences.root import Root
from shellplay.fences.rootfs import build
from shellplay.fences.uts import Uts
from shellplay.kernel import constants as k
from shellplay.kernel import mount, procfs, sysctl
from shellplay.kernel.cgroup import mount as cgroup_mount
from shellplay.kernel.explain import explained
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.poll import readable
from shellplay.model import How
from shellplay.shell.shell import Shell
from shellplay.shell.spawn import start_bash, take_terminal

UMASK = 0o022
ENDING_SECONDS = 30.0
T = TypeVar("T", bound=Fence)


class NotStarted(Refused):
    """The program cannot be executed: 127 if it is not there, else 126, as a shell says."""

    def __init__(self, error: KernelError, name: str, path: str, fix: str | None) -> None:
        name, missing = name or "''", error.errno in (errno.ENOENT, errno.ENOTDIR)
        self.exit_status = 127 if missing else 126
        if not missing:
            super().__init__(f"{name} cannot be executed: {error.message}")
            return
        where = "there" if "/" in name else f"in the PATH inside, {path}"
        super().__init__(f"{name} is not {where}", fix)


def start(
    state: ContainerState,
    spec: StartSpec,
    applied: AppliedFences,
    network: Network,
    process: ContainerProcess,
) -> Shell:
    """Start the program of a container behind its fences; raises what refuses one of them.

    If it fails nothing of it is left, but for what the fences hold: ``applied`` holds them.
    """
    with ExitStack() as held:
        sequence = _StartSequence(state, spec, applied, network, process, held)
        try:
            return sequence.run()
        except BaseException:
            sequence.close()
            raise


class _StartSequence:
    """One start, with the stub that goes through it."""

    def __init__(
        self,
        state: ContainerState,
        start: StartSpec,
        applied: AppliedFences,
        network: Network,
        process: ContainerProcess,
        held: ExitStack,
    ) -> None:
        self._state = state
        self._applied = applied
        self._network = network
        self._process = process
        self._spec = start.process
        self._report = start.report
        self._ports = start.ports
        self._stub = state.monitor.stub()
        # Once it is a program that has no effect.
        held.callback(lambda: self._stub.quit())
        self._held = held
        status = procfs.status(self._stub.pid)
        assert status is not None, "it waits for us"
        self._fences = [self._gathered(each, status) for each in start.fences]
        self._volumes = Volumes(start.process.volumes, held)
        self._first: Shell | None = None
        # The stubs that have forked, to be inside: pidfds.
        self._outside: list[int] = []

    def run(self) -> Shell:
        """Go through all of it, and return the first process."""
        # What is open leads out of a root of its own; this is where our last words would go.
        self._stub.dup3(1, 2)
        mount.umask(self._stub, UMASK)
        self._stub.chdir("/")
        if self._sees_its_cgroup:
            for quota in self._of(CgroupLimit):
                # Before it has a cgroup namespace: that has as its root where it is then.
                quota.join(self._stub.pid, self._state.group)
        for namespace in self._of(Namespace):
            with self._joined(namespace) as join:
                self._up(namespace, lambda f: self._enter(f, join))
            if namespace.kind == "mnt":
                # Now: behind a root of its own nothing leads to what is of the host.
                self._volumes.copy(self._stub, without_devices=self._hides_devices)
        self._fit_proc()
        self._furnish_net()
        for port in self._ports:
            self._report("net", f"published: {self._network.open_port(port)}")
        self._close_root()
        for mounted in self._of(MountOver):
            self._up(mounted, self._cover)
        self._volumes.mount(self._stub)
        for limit in self._of(Limit):
            self._put_up(limit)
        self._show_cgroups()
        self._go_to_its_directory()
        self._end_with_the_playground()
        self._stub.conceal()
        self._give_up()
        self._applied.require_shown(self._stub.pid, "the program")
        return self._executed()

    def close(self) -> None:
        """Let go of a first process that is not going to be one."""
        if self._first is not None:
            self._first.close()

    # -- fences --------------------------------------------------------------------------

    def _gathered(self, fence: Fence, status: procfs.Status) -> Fence:
        if (reason := fence.unsupported()) is not None:
            raise Refused(reason)
        ready, notes = fence.prepared(status)
        self._applied.prepared.append(ready)
        for note in notes:
            self._report(fence.kind, note)
        return ready

    def _of(self, family: Callable[..., T]) -> list[T]:
        return [each for each in self._fences if isinstance(each, cast(type[T], family))]

    def _up(self, fence: T, put_up: Callable[[T], None]) -> None:
        try:
            put_up(fence)
        except KernelError as error:
            raise explained(error, fence.kind, self._stub.pid) from error
        # Where nothing lies below what is mounted, a new tree is needed without it.
        alone = isinstance(fence, MountOver) and not self._spec.is_bash
        how = How.RESPAWNED if alone else way_on(fence, self._stub.pid)
        self._applied.add(AppliedFence(fence, how, 0))
        self._report(fence.kind, "")
        # What a limit has to say is about what is in use already.
        for remark in () if isinstance(fence, Limit) else fence.remarks():
            self._report(fence.kind, remark)

    def _put_up(self, fence: Fence) -> None:
        self._up(fence, lambda f: apply.around(f, self._stub, self._state.group))

    def _joined(self, fence: Namespace) -> AbstractContextManager[OpenNamespace | None]:
        if fence.join is None:
            return nullcontext(None)
        other = self._state.find_peer(fence.join)
        other.require_alive()
        return hold_namespace(other.pid, fence.space)

    def _enter(self, fence: Namespace, join: OpenNamespace | None) -> None:
        if isinstance(fence, Root):
            fence = self._bared(fence)
        outside = self._held.enter_context(pidfd(self._stub.pid)) if fence.by_fork else None
        self._stub = apply.on_stub(fence, self._stub, join)
        if outside is not None:
            self._outside.append(outside)
        if isinstance(fence, Net) and join is None:
            self._open_ports()

    def _open_ports(self) -> None:
        """Let everybody bind every port of a network of its own, and send pings.

        Docker does, see ip(7) and icmp(7); now, while /proc/sys can still be written.
        """
        # Groups that are not mapped are no groups.
        mapped = build.may_see_below_mounts(self._stub)
        pings = {"net.ipv4.ping_group_range": "0 2147483647"} if mapped else {}
        try:
            sysctl.set_all(self._stub, {"net.ipv4.ip_unprivileged_port_start": "0", **pings})
        except KernelError as error:
            # We may be in a container ourselves.
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            self._report("net", f"ports below 1024 are for root only: {error.message}")

    def _bared(self, fence: Root) -> Root:
        """Leave out of a new root what is mounted anew: to take it off again takes longer.

        Who has no privileges on the host may mount it only where the host's is seen.  And it
        is written to, up to ``_close_root``.
        """
        kinds = {each.kind for each in self._of(MountOver)}
        anew = kinds >= {"proc", "sys", "dev"} and not self._spec.is_bash
        if anew and build.may_see_below_mounts(self._stub):
            fence = fence.changed(kernels=("/dev",))
        return fence.changed(ro=False)

    def _furnish_net(self) -> None:
        """Lead its network out, and have names there; the first process has its PID now."""
        self._state.live = self._first = Shell(self._stub.pid)
        for net in self._of(Net):
            for note in self._network.furnish(net, self._stub.pid):
                self._report(net.kind, note)
        named = [each.hostname for each in self._of(Uts) if each.hostname]
        name = named[0] if named else os.uname().nodename
        for note in (*self._network.name(name, self._stub), *self._network.refresh()):
            self._report("net", note)

    @property
    def _sees_its_cgroup(self) -> bool:
        """Whether the cgroup that it gets is to be the root of those that it sees."""
        return any(each.kind == "cgroup" and each.join is None for each in self._of(Namespace))

    def _show_cgroups(self) -> None:
        found = self._state.group.directories
        unified = any(each.version == 2 for each, _ in found)
        if unified and self._sees_its_cgroup:
            cgroup_mount.mount_unified(self._stub)
        elif found and not unified and build.may_see_below_mounts(self._stub):
            cgroup_mount.mount_each(self._stub, found)

    # -- files ---------------------------------------------------------------------------

    def _fit_proc(self) -> None:
        """Mount a /proc that shows what is inside, if no fence of its own does."""
        kinds = {each.kind for each in self._fences}
        fresh = any(each.proc for each in self._of(Pid)) or "root" in kinds
        if fresh and "mnt" in kinds and "proc" not in kinds:
            apply.mount_proc(self._stub)

    @property
    def _hides_devices(self) -> bool:
        """Whether only what is in /dev can be opened: also root could make other nodes."""
        return any(each.kind == "dev" for each in self._fences)

    def _cover(self, fence: MountOver) -> None:
        """Put a mounted fence up; what a new root has there of the host's goes by that.

        From a live bash the fence is peeled again, and then it is seen what lies below.
        """
        if not mounts_at(self._stub.pid, fence.target):
            put_up = fence.mount
        else:
            put_up = fence.mount_first if self._spec.is_bash else fence.mount_instead
        put_up(self._stub, self._state.terminal.path)

    def _close_root(self) -> None:
        """Have nothing be written in its root, if that is asked."""
        if any(each.ro for each in self._of(Root)):
            # What is going to be mounted in there needs its places first.
            mount.make_place(self._stub, self._spec.directory, directory=True)
            self._volumes.make_places(self._stub)
            build.make_read_only(self._stub)

    def _go_to_its_directory(self) -> None:
        mount.make_place(self._stub, self._spec.directory, directory=True)
        self._stub.chdir(self._spec.directory)

    # -- privileges ----------------------------------------------------------------------

    def _give_up(self) -> None:
        """Put up what is given up for good; the user changes before the capabilities go."""
        who = user.find(self._stub.pid, self._spec.user)
        apply.all_around(self._of(Restriction), self._stub, who, self._put_up)
        if who.uid or who.gid:
            # Another user has undone it.
            self._ask_to_end()
        environment = {"HOME": who.home, **self._spec.environment}
        self._process.set_credentials(who, environment)

    # -- the program ---------------------------------------------------------------------

    def _executed(self) -> Shell:
        program, state = self._spec, self._state
        environment = self._state.environment or {}
        try:
            if program.is_bash:
                self.close()
                self._first = None
                return start_bash(
                    self._stub, state.terminal, user_file=program.reads_bashrc,
                    path=program.argv[0], environment=environment,
                )  # fmt: skip
            self._become_the_program(environment)
            return state.live
        except KernelError as error:
            if error.call != "execve":
                raise
            path, fix = environment.get("PATH", ""), "the program comes behind the image"
            raise NotStarted(error, program.argv[0], path, fix) from error

    def _end_with_the_playground(self) -> None:
        """Have it end also if nobody is left who could end it, as every bash does.

        A fork has undone what the first stub had asked for.  Now: a filter may deny it later.
        """
        for forked in self._outside:
            # It has to be gone first: its end would be the one that is meant.
            readable(forked, ENDING_SECONDS)
        self._ask_to_end()

    def _ask_to_end(self) -> None:
        self._stub.prctl(k.PR_SET_PDEATHSIG, int(signal.SIGKILL))

    def _become_the_program(self, environment: Mapping[str, str]) -> None:
        program, state = self._spec, self._state
        who = self._state.account
        # What is another user inside and on the host is no owner here.
        owner = who.uid if who and build.may_see_below_mounts(self._stub) else 0
        if program.init:
            self._stub.attend()
            if not self._of(Pid):
                # In a pid namespace it ends with the first process there.
                self._ask_to_end()
        if program.terminal:
            take_terminal(self._stub, state.terminal, owner)
        else:
            self._stub.setsid()
            self._process.connect().hand_over(self._stub, owner)
        self._stub.execute(program.argv, change=environment, fresh=True)
