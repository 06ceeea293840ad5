"""Start a container: a stub gets all of its fences, and becomes the program.

The order is that of runc: namespaces, mounts, limits, and restrictions last.
"""

from __future__ import annotations

import os
import signal
from bisect import bisect_right
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import groupby
from typing import TypeVar, cast

from shellplay.container import apply, console, switches, tuning, user
from shellplay.container.applied import AppliedFence, AppliedFences
from shellplay.container.network import Network
from shellplay.container.not_started import NotStarted
from shellplay.container.plan import Plan, peer_namespace, restrict
from shellplay.container.process import ContainerProcess
from shellplay.container.spec import StartSpec, VolumeSpec
from shellplay.container.state import ContainerState
from shellplay.container.volumes import Volumes
from shellplay.errors import KernelError, ShellGone
from shellplay.fences import Fence, Limit, Namespace
from shellplay.fences.base.target import OpenNamespace, Stage, Target
from shellplay.fences.net import Net
from shellplay.fences.root import Root
from shellplay.fences.rootfs import build
from shellplay.fences.uts import Uts
from shellplay.kernel import constants as k
from shellplay.kernel import mount, proc_write, procfs
from shellplay.kernel.cgroup import mount as cgroup_mount
from shellplay.kernel.explain import explained
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.poll import readable
from shellplay.network.etc_files import attach as attach_names
from shellplay.shell.shell import Shell
from shellplay.shell.spawn import start_bash, take_terminal

UMASK = 0o022
ETC = "/etc"
ENDING_SECONDS = 30.0
T = TypeVar("T", bound=Fence)


def start(
    state: ContainerState,
    spec: StartSpec,
    applied: AppliedFences,
    network: Network,
    process: ContainerProcess,
    fill: Callable[[VolumeSpec, int], None],
) -> Shell:
    """Start the program of a container behind its fences; return its first process.

    Raises Refused, KernelError and NotStarted.  Then no process is left, and ``applied``
    has the fences, whose descriptors are still to be closed.
    """
    with ExitStack() as held:
        sequence = _StartSequence(state, spec, applied, network, process, fill, held)
        try:
            return sequence.run()
        except BaseException:
            sequence.close()
            raise


class _StartSequence:
    """The steps of one start, with the stub that becomes the program."""

    def __init__(
        self,
        state: ContainerState,
        start: StartSpec,
        applied: AppliedFences,
        network: Network,
        process: ContainerProcess,
        fill: Callable[[VolumeSpec, int], None],
        held: ExitStack,
    ) -> None:
        self._state = state
        self._applied = applied
        self._network = network
        self._process = process
        self._spec = start.process
        self._report = start.report
        self._ports = start.ports
        self._held = held
        # The monitor forks while the fences are prepared.  The stub is its copy, and so has
        # its status.
        link = held.enter_context(state.monitor.request_stub())
        status = procfs.status(state.monitor.pid)
        if status is None:
            raise ShellGone("the playground process has ended")
        self._plan = Plan(self._prepared(each, status) for each in start.fences)
        self._volumes = Volumes(state.volumes, fill, held)
        self._stub = state.monitor.await_stub(link)
        # Once the stub is a program, that has no effect.
        held.callback(lambda: self._stub.quit())
        self._first: Shell | None = None
        # Mounts of /etc/hosts and its like that are still to be attached, by path.
        self._names: dict[str, int] = {}
        # pidfds of the stubs that have forked, whose children are inside.
        self._outside: list[int] = []

    def run(self) -> Shell:
        """Take all steps, and return the first process."""
        with self._stub.together():
            # Its stderr is a file of the host: the descriptor would lead out of a new root.
            self._stub.dup3(1, 2)
            # As soon as the stub joins a namespace, a program there could trace it
            # (CVE-2016-9962).  execve(2) makes the process dumpable again.
            self._stub.set_undumpable()
            mount.umask(self._stub, UMASK)
            self._stub.chdir("/")
        if self._has_cgroup_namespace:
            for limit in self._of(Limit):
                # The root of a cgroup namespace is the cgroup of the process that makes it.
                limit.enter_cgroup(self._target())
            tuning.enter(self._spec, self._state.group, self._stub.pid)
        namespaces = sorted(self._of(Namespace), key=_shows_it_to_others)
        for blind, group in groupby(namespaces, _enters_blindly):
            entered = list(group)
            if blind:
                self._enter_blindly(entered)
            for namespace in entered if not blind else ():
                with peer_namespace(self._state, namespace) as join:
                    self._apply(namespace, partial(self._enter, join=join))
            if any(each.kind == "mnt" for each in entered):
                # From a new root no path leads to the files of the host.
                self._volumes.copy(self._stub, without_devices=self._hides_devices)
        if self._plan.fresh_proc and "proc" not in self._plan:
            apply.mount_proc(self._stub)
        self._open_network()
        for port in self._ports:
            self._report("net", f"published: {self._network.open_first(port)}")
        switches.set_own(self._stub, self._spec.sysctls)
        self._make_root_read_only()
        for mounted in self._plan.of(Stage.MOUNT):
            self._apply(mounted)
        self._volumes.mount(self._stub)
        self._mount_names()
        if self._spec.terminal and not self._spec.is_bash and self._hides_devices:
            console.move_inside(self._stub, self._state.terminal)
        for each in self._plan.of(Stage.LIMIT):
            self._apply(each)
        if not self._has_cgroup_namespace:
            tuning.enter(self._spec, self._state.group, self._stub.pid)
        tuning.tune(self._spec, self._state.group)
        if self._spec.oom_score is not None:
            proc_write.write_file(self._stub.pid, "oom_score_adj", str(self._spec.oom_score))
        self._mount_cgroups()
        self._await_outside()
        with self._stub.together():
            self._go_to_its_directory()
            # Before the restrictions: a filter may deny prctl(2).
            self._set_parent_death_signal()
        if not self._is_read_only:
            self._restore_time()
        self._drop_privileges()
        self._applied.require_observed(self._stub.pid, "the program")
        return self._execute()

    def close(self) -> None:
        """Close the pidfd of a first process that has failed to start."""
        if self._first is not None:
            self._first.close_pidfd()

    # -- fences --------------------------------------------------------------------------

    def _prepared(self, fence: Fence, status: procfs.Status) -> Fence:
        ready, notes = self._applied.prepare(fence, status)
        for note in notes:
            self._report(fence.kind, note)
        return ready

    def _of(self, family: Callable[..., T]) -> list[T]:
        return [each for each in self._plan.fences if isinstance(each, cast(type[T], family))]

    def _target(self, join: OpenNamespace | None = None) -> Target:
        terminal = self._state.terminal.path
        return Target(self._stub.pid, self._stub, self._state.group, terminal, join)

    def _apply(self, fence: Fence, how: Callable[[Fence], None] | None = None) -> None:
        """Apply a fence to the stub, note that, and report it."""
        # After a peel the live bash sees what is mounted below; no other program does.
        peelable = self._spec.is_bash
        try:
            if how is None:
                fence.apply_at_start(self._target(), peelable=peelable)
            else:
                how(fence)
        except KernelError as error:
            raise explained(error, fence.kind, self._stub.pid) from error
        self._note_applied(fence)

    def _enter_blindly(self, fences: list[Namespace]) -> None:
        """Enter new namespaces by one message to the stub; note and report each."""
        ends: list[int] = []
        made: list[int] = []
        try:
            with self._stub.together() as made:
                for each in fences:
                    each.apply(self._target())
                    ends.append(self._stub.planned)
        except KernelError as error:
            # The call after the last result has failed.
            failed = bisect_right(ends, len(made))
            raise explained(error, fences[failed].kind, self._stub.pid) from error
        for each in fences:
            self._note_applied(each)
            if isinstance(each, Net):
                for note in switches.open_ports(self._stub):
                    self._report("net", note)

    def _note_applied(self, fence: Fence) -> None:
        """Note that a fence is applied, and report it."""
        peelable = self._spec.is_bash
        applied = fence.how_at_start(self._stub.pid, peelable=peelable)
        self._applied.add(AppliedFence(fence, applied, 0))
        self._report(fence.kind, "")
        # The remarks of a limit are about what a process uses that has run before it.
        for remark in () if fence.stage is Stage.LIMIT else fence.remarks():
            self._report(fence.kind, remark)

    def _enter(self, fence: Fence, join: OpenNamespace | None) -> None:
        if isinstance(fence, Root):
            fence = self._without_remounts(fence)
        outside = self._held.enter_context(pidfd(self._stub.pid)) if fence.by_fork else None
        self._stub = apply.enter(fence, self._target(join))
        if outside is not None:
            self._outside.append(outside)

    def _without_remounts(self, fence: Root) -> Root:
        """Leave out of a new root what is mounted anew: to unmount it takes longer.

        Without privileges on the host a /proc or /sys is mounted only where the host's is
        seen.  The root is written to, up to ``_make_root_read_only``.
        """
        kinds = {each.kind for each in self._plan.of(Stage.MOUNT)}
        anew = kinds >= {"proc", "sys", "dev"} and not self._spec.is_bash
        if anew and build.may_see_below_mounts(self._stub):
            fence = fence.changed(kernels=("/dev",))
        return fence.changed(ro=False)

    def _open_network(self) -> None:
        """Open the way out of its network and write names; the first process has a PID now."""
        self._first = Shell(self._stub.pid, self._state.terminal)
        self._state.make_live(self._first)
        for net in self._of(Net):
            for note in self._network.open_way_out(net, self._stub.pid):
                self._report(net.kind, note)
        self._network.require_names()
        named = [each.hostname for each in self._of(Uts) if each.hostname]
        name = named[0] if named else os.uname().nodename
        self._names = self._network.name(name, self._stub)
        if not self._volumes.have(ETC):
            self._mount_names()
        for note in self._network.refresh():
            self._report("net", note)

    def _mount_names(self) -> None:
        """Mount /etc/hosts and its like, unless they are mounted or a volume is one."""
        names, self._names = self._names, {}
        for path in [each for each in names if self._volumes.have(each)]:
            self._stub.close(names.pop(path))
        if self._is_read_only and self._volumes.have(ETC):
            for tree in names.values():
                mount.mount_setattr(self._stub, tree, "", "ro")
        for note in attach_names(self._stub, names):
            self._report("net", note)

    @property
    def _has_cgroup_namespace(self) -> bool:
        """Whether it has a new cgroup namespace, whose root is its own cgroup."""
        return any(each.kind == "cgroup" and each.join is None for each in self._of(Namespace))

    def _mount_cgroups(self) -> None:
        found = self._state.group.directories
        unified = any(each.version == 2 for each, _ in found)
        if unified and self._has_cgroup_namespace:
            cgroup_mount.mount_unified(self._stub)
        elif found and not unified and build.may_see_below_mounts(self._stub):
            cgroup_mount.mount_each(self._stub, found)

    # -- files ---------------------------------------------------------------------------

    @property
    def _hides_devices(self) -> bool:
        """Whether only devices in /dev can be opened; mknod(2) could make other nodes."""
        return "dev" in self._plan

    def _make_root_read_only(self) -> None:
        """Make its root read-only, if that is asked."""
        if self._is_read_only:
            # The mount points of volumes have to be made before that.
            mount.make_mount_point(self._stub, self._spec.directory, directory=True)
            self._volumes.make_places(self._stub)
            self._restore_time()
            build.make_read_only(self._stub)

    @property
    def _is_read_only(self) -> bool:
        return any(each.ro for each in self._of(Root))

    def _restore_time(self) -> None:
        for root in self._of(Root):
            root.restore_time(self._stub)

    def _go_to_its_directory(self) -> None:
        mount.make_mount_point(self._stub, self._spec.directory, directory=True)
        self._stub.chdir(self._spec.directory)

    # -- privileges ----------------------------------------------------------------------

    def _drop_privileges(self) -> None:
        """Apply the restrictions and change the user; the capabilities go after that."""
        account = user.find(self._stub.pid, self._spec.user, self._spec.groups)
        restrict(self._plan.of(Stage.RESTRICTION), self._stub, account, self._apply)
        if account.uid or account.gid:
            # setresuid(2) clears the signal that is sent at the death of the parent.
            self._set_parent_death_signal()
        environment = {**self._spec.environment}
        # As runc does: an empty one is as none.
        environment["HOME"] = environment.get("HOME") or account.home
        self._process.set_credentials(account, environment)

    # -- the program ---------------------------------------------------------------------

    def _execute(self) -> Shell:
        program, state = self._spec, self._state
        environment = self._state.environment or {}
        try:
            if program.is_bash:
                self.close()
                self._first = None
                return start_bash(
                    self._stub, state.terminal, program.argv[0],
                    user_file=program.reads_bashrc, environment=environment,
                )  # fmt: skip
            self._execute_program(environment)
            return state.live
        except KernelError as error:
            if error.call != "execve":
                raise
            path, fix = environment.get("PATH", ""), "the program comes behind the image"
            raise NotStarted(error, program.argv[0], path, fix) from error

    def _await_outside(self) -> None:
        """Wait until each stub that has forked has ended, so that the monitor is the parent."""
        for forked in self._outside:
            readable(forked, ENDING_SECONDS)

    def _set_parent_death_signal(self) -> None:
        """Have it killed when its present parent dies, as every bash dies with the monitor.

        The child of a fork does not inherit that.
        """
        self._stub.prctl(k.PR_SET_PDEATHSIG, int(signal.SIGKILL))

    def _execute_program(self, environment: Mapping[str, str]) -> None:
        program, state = self._spec, self._state
        account = self._state.account
        # Behind a user fence the uid inside is another one on the host; root stays the owner.
        owner = account.uid if account and build.may_see_below_mounts(self._stub) else 0
        if program.init:
            self._stub.stay_as_init()
            if "pid" not in self._plan:
                # In a pid namespace it ends with the first process there.
                self._set_parent_death_signal()
        if program.terminal:
            take_terminal(self._stub, state.terminal, owner)
        else:
            self._process.connect().hand_over(self._stub, owner)
        self._stub.execute(program.argv, change=environment, fresh=True)


def _enters_blindly(fence: Namespace) -> bool:
    """Tell whether the stub itself enters a new namespace, without a result or a fact."""
    return fence.blind and fence.join is None and not fence.by_fork


def _shows_it_to_others(fence: Namespace) -> bool:
    """Tell whether programs of another container see the process once it is behind a fence.

    They could open /proc/PID/root, and so the files of the host, until it has its own root.
    """
    return fence.by_fork and fence.join is not None
