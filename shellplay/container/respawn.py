"""Start a new bash inside some fences, in the place of all bashes of a container."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext

from shellplay.container import apply
from shellplay.container.applied import AppliedFence
from shellplay.container.plan import Plan, Wanted, restrict
from shellplay.container.stack import ShellStack
from shellplay.container.state import ContainerState
from shellplay.fences.base.target import Stage, Target
from shellplay.kernel import constants as k
from shellplay.kernel.host_program import HostProgram
from shellplay.kernel.stub import Stub
from shellplay.shell.broker import broker
from shellplay.shell.shell import Shell
from shellplay.shell.spawn import host_bash, start_bash
from shellplay.shell.state import State, Transferred
from shellplay.shell.terminal import Terminal


def respawn(
    state: ContainerState,
    stack: ShellStack,
    wanted: Sequence[Wanted],
    transfer: Callable[[State], Transferred],
) -> tuple[tuple[str, ...], Transferred]:
    """Start a new bash inside ``wanted``; ``transfer`` gives it the state of the live one.

    The namespace of a fence that is applied is joined, where it outlives the old bash.
    Returns notes on /proc and what was carried.  If the new bash cannot be started, nothing
    has changed; raises KernelError and Refused.
    """
    with stack.keys_wait():
        dumped = stack.dump()
        notes = _replace(state, stack, wanted)
        transferred = transfer(dumped)
    return notes, transferred.changed(failed=(*dumped.stays, *transferred.failed))


def _replace(
    state: ContainerState, stack: ShellStack, wanted: Sequence[Wanted]
) -> tuple[str, ...]:
    old, plan = [*stack.parked, stack.live], Plan(each.fence for each in wanted)
    with ExitStack() as undo:
        terminal = state.terminal.successor()
        undo.callback(terminal.close)
        stub = _stub_inside(state, stack, wanted, undo)
        notes = apply.refresh_proc(plan, stub.pid, lambda: nullcontext(stub))
        applied = [
            AppliedFence(each, each.how_at_start(stub.pid, peelable=True), 0)
            for each in plan.fences
        ]
        target = Target(stub.pid, stub, state.group, terminal.path)
        for mounted in plan.of(Stage.MOUNT):
            with broker(state.monitor, stub.pid) as caller:
                mounted.apply(target.changed(caller=caller))
        last = plan.of(Stage.LIMIT, Stage.RESTRICTION)
        restrict(last, stub, state.account, lambda each: each.apply(target))
        shell = _bash(state, plan, stub, terminal)
        undo.pop_all()
    stack.end(old)
    state.replace(shell)
    stack.applied.restart(applied)
    return notes


def _stub_inside(
    state: ContainerState, stack: ShellStack, wanted: Sequence[Wanted], undo: ExitStack
) -> Stub:
    """Return a stub in all namespaces of some fences, and in the directory of the bash."""
    stub = state.monitor.stub()
    undo.callback(stub.quit)
    stub.chdir(stack.live.cwd)
    for fence, join in wanted:
        if fence.stage is not Stage.NAMESPACE:
            continue
        is_applied = fence.kind in stack.applied
        with stack.pinned(fence) if is_applied else nullcontext(join) as pin:
            target = Target(stub.pid, stub, state.group, state.terminal.path, pin)
            stub = apply.enter(fence, target)
        undo.callback(stub.quit)
    return stub


def _bash(state: ContainerState, plan: Plan, stub: Stub, terminal: Terminal) -> Shell:
    """Start a bash as the one before it was started."""
    # It gets its orphans: so a peel finds all that came from it.
    stub.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
    spec = state.spec
    if spec is not None:
        return start_bash(
            stub, terminal, spec.argv[0],
            user_file=spec.reads_bashrc, environment=state.environment,
        )  # fmt: skip
    with host_bash() as bash:
        # The libraries of a bash come from its root directory, so bash has to be of it, too.
        program = HostProgram(bash.path) if "root" in plan else bash
        return start_bash(stub, terminal, program, user_file=state.settings.bashrc)
