"""The jobs of a live bash: list its children, and send signals to them."""

from __future__ import annotations

import shlex
import signal
import time

from shellplay.container.state import ContainerState
from shellplay.errors import Refused
from shellplay.kernel import procfs
from shellplay.kernel.here import HERE
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.poll import readable
from shellplay.model import Process, Role

MOMENT_SECONDS = 0.1
STARTING_SECONDS, STARTING_TICKS = 2.0, 10
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM)


def children(state: ContainerState) -> list[Process]:
    """Return the children of the live bash, ended ones too."""
    shells = {shell.pid for shell in state.parked}
    found = []
    for pid in procfs.children(state.live.pid):
        status = procfs.status(pid)
        if status is not None and pid not in shells:
            found.append(_process(status, state.label))
    return found


def await_programs(bash: int) -> None:
    """Wait until the jobs of a bash have called execve(2).

    Bash answers as soon as it has forked, and no event tells of an execve.  A list of
    commands stays a bash: it sleeps, or has run for longer than the way to an execve takes.
    """
    deadline = time.monotonic() + STARTING_SECONDS
    while any(map(_starts, procfs.children(bash))) and time.monotonic() < deadline:
        time.sleep(MOMENT_SECONDS / 50)


def _starts(pid: int) -> bool:
    stat = procfs.stat(pid)
    if stat is None or stat.state not in "RD" or stat.ticks >= STARTING_TICKS:
        return False
    # The arguments are the last that execve(2) gives a process.
    return not (stat.executed and procfs.arguments(pid))


def kill(state: ContainerState, target: str | None, number: int) -> list[Process]:
    """Send a signal to a host PID of a container, or to a job like %1, or to the live bash.

    Returns the processes it was sent to; raises Refused if there is no such one.
    """
    state.require_alive()
    found = []
    for pid in _pids_of(state, target):
        with pidfd(pid) as fd:
            # Between the listing and pidfd_open(2) the PID may have passed to another process.
            status = procfs.status(pid)
            if status is not None and pid in state.members():
                HERE.pidfd_send_signal(fd, number)
                found.append(_process(status, state.label))
                if number in ENDING:
                    # So that the next command sees the effect.
                    readable(fd, MOMENT_SECONDS)
    return found


def _pids_of(state: ContainerState, target: str | None) -> list[int]:
    if target is None:
        return [state.live.pid]
    if not target.startswith("%"):
        pid = int(target)
        if pid not in state.members():
            raise Refused(f"{pid} is not a process of {state.label}", "ps host")
        return [pid]
    state.require_idle()
    with state.attended():
        script = rf"\builtin jobs -p {shlex.quote(target)} >&3"
        answer = state.terminal.ask(script, alive=state.live.pidfd)
    inside = {*answer.split()}
    # Bash knows the PID in its own namespace, which is another one on the host.
    statuses = [procfs.status(pid) for pid in procfs.children(state.live.pid)]
    found = [each.pid for each in statuses if each and b"%d" % each.pids[-1] in inside]
    if not found:
        raise Refused(f"there is no job {target}", "in jobs")
    return found


def _process(status: procfs.Status, label: str) -> Process:
    words = procfs.arguments(status.pid) or (f"[{status.name}]",)
    return Process(
        pid=status.pid,
        ppid=status.ppid,
        inside=status.pids,
        state=status.state,
        uid=status.uid,
        command=" ".join(words),
        container=label,
        role=Role.JOB,
    )
