"""Answer why a line was refused: the call, the cause with its proof, and what to change."""

from __future__ import annotations

import time
from collections.abc import Iterator

from shellplay.container.trial import Trials
from shellplay.errors import KernelError, Refused
from shellplay.model import Value
from shellplay.refusal import host_reason
from shellplay.refusal.call import RefusedCall
from shellplay.refusal.filter_rule import rule
from shellplay.refusal.observation import Observed, observe
from shellplay.refusal.proof import Proof, Prover
from shellplay.refusal.repetition import changes

# The same change with Docker and Podman, and with Kubernetes; {} is the capability or path.
ELSEWHERE = {
    "caps": ("--cap-add {}", "securityContext.capabilities.add: [{}]"),
    "seccomp": ("--security-opt seccomp=unconfined", "seccompProfile.type: Unconfined"),
    "nnp": ("no --security-opt no-new-privileges", "allowPrivilegeEscalation: true"),
    "net": ("--network host", "hostNetwork: true"),
    "pid": ("--pid host", "hostPID: true"),
    "ipc": ("--ipc host", "hostIPC: true"),
    "uts": ("--uts host", "hostNetwork: true"),
    "user": ("--userns host", "hostUsers: true"),
    "cgroup": ("--cgroupns host", ""),
    "root": ("-v {}:{}", "volumeMounts, with a hostPath volume"),
    "mnt": ("-v {}:{}", "volumeMounts, with a hostPath volume"),
    "proc": ("--security-opt systempaths=unconfined", "procMount: Unmasked"),
    "sys": ("--privileged", "privileged: true"),
    "dev": ("--device {}", "a device plugin"),
    "pids": ("--pids-limit, higher", "podPidsLimit of the kubelet"),
    "rlimit": ("--ulimit, higher", ""),
}


class Answer(Value):
    """Why a line was refused.

    ``call`` is None if nothing was refused.  ``held_back`` is a change that was not made, so
    that the line ended early.  ``host`` is the reason if no fence is the cause, and ``rule``
    says what a filter answers to the call.
    """

    line: str
    status: int | None
    call: RefusedCall | None = None
    proof: Proof = Proof()
    rule: str | None = None
    host: str | None = None
    fixes: tuple[str, ...] = ()
    docker: tuple[str, ...] = ()
    kubernetes: tuple[str, ...] = ()
    others: tuple[RefusedCall, ...] = ()
    held_back: RefusedCall | None = None
    seconds: float = 0.0


def explain_line(trials: Trials, line: str, *, may_change: bool, timeout: float) -> Answer:
    """Run a line in a copy of the live bash, and explain the first refusal that counts.

    Without ``may_change`` it ends before a call that would change something.  ``timeout`` is
    in seconds.  Raises Refused if bash is busy, and KernelError if ptrace(2) is refused.
    """
    began = time.monotonic()
    observed = _observed(trials, line, may_change=may_change, timeout=timeout)
    answer = Answer(line, observed.status, held_back=observed.held_back)
    if observed.refused:
        answer = _explained(trials, answer, observed)
    return answer.changed(seconds=time.monotonic() - began)


def _observed(trials: Trials, line: str, *, may_change: bool, timeout: float) -> Observed:
    def may_run(call: RefusedCall) -> bool:
        return may_change or not changes(call) or Prover(trials, call).is_going_to_fail()

    try:
        with trials.copied() as copy:
            return observe(copy, line, timeout=timeout, may_run=may_run)
    except KernelError as error:
        if not error.call.startswith("ptrace"):
            raise
        raise Refused(
            f"why follows the calls by ptrace, and {error.message}", "doctor"
        ) from error


def _explained(trials: Trials, answer: Answer, observed: Observed) -> Answer:
    call, *others = observed.refused
    proof = Prover(trials, call).proof()
    host, fix = (None, None) if proof.fences else host_reason.of(call, trials.pid)
    return answer.changed(
        call=call,
        proof=proof,
        rule=rule(trials.pid, call) if "seccomp" in proof.fences else None,
        host=host,
        fixes=(*_fixes(proof), *([fix] if fix else [])),
        docker=tuple(_elsewhere(call, proof, 0)),
        kubernetes=tuple(_elsewhere(call, proof, 1)),
        others=tuple(others),
    )


def _fixes(proof: Proof) -> Iterator[str]:
    if proof.fences:
        yield "; ".join(f"peel {kind}" for kind in reversed(proof.fences))
    if proof.capability:
        yield f"peel caps; fence caps docker keep={proof.capability}"


def _elsewhere(call: RefusedCall, proof: Proof, column: int) -> Iterator[str]:
    for kind in proof.fences:
        text = ELSEWHERE.get(kind, ("", ""))[column]
        if kind == "caps":
            yield text.format((proof.capability or "ALL").upper())
        elif text:
            yield text.replace("{}", call.path or "PATH")
