"""Try what a process in a container can do, and attribute what it cannot do to fences."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack

from shellplay.container.trial import Trials
from shellplay.errors import KernelError, ShellGone, ShellplayError
from shellplay.kernel.caller import Request
from shellplay.kernel.seccomp import call_number
from shellplay.kernel.stub import Stub
from shellplay.model import Value
from shellplay.refusal.experiments import experiments
from shellplay.refusal.experiments.experiment import Experiment
from shellplay.refusal.netlink import RTM_SETLINK, ask_kernel
from shellplay.refusal.units import Unit, named, units

OPEN, CLOSED, UNKNOWN = "open", "closed", "not testable"
ABSENT = (errno.ENOSYS, errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EAFNOSUPPORT,
          errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT)  # fmt: skip


class Probed(Value):
    """The result of one experiment.

    ``state`` is ``open``, ``closed`` or ``not testable``, ``number`` the errno, 0 if open.
    ``by`` are the fences without which it is open; none if the host closes it, too.
    """

    experiment: Experiment
    state: str
    number: int
    by: tuple[str, ...] = ()

    @property
    def error(self) -> str:
        """The name of the errno, empty if it is open."""
        return errno.errorcode.get(self.number, str(self.number)) if self.number else ""


def probe(trials: Trials, names: Iterable[str] = ()) -> list[Probed]:
    """Make the experiments, all if no ``names`` are given, and attribute each that is closed.

    A closed one is repeated with fewer fences, until the smallest set is found without which
    it is open.  Raises KernelError and ShellplayError if no process can be started inside.
    """
    wanted = _chosen(names)
    inside = _outcomes(trials, wanted, ())
    closed = [each for each in wanted if inside[each.name]]
    causes = units(trials.kinds)
    everything = [kind for unit in causes for kind in unit]
    outside = _outcomes_or_none(trials, closed, everything) if everything else inside
    fenced = [each for each in closed if outside[each.name] == 0]
    by = _attributed(trials, fenced, causes)
    return [_probed(each, inside, outside, by) for each in wanted]


def on_host(trials: Trials, names: Iterable[str] = ()) -> list[Probed]:
    """Make the experiments without any fence, as the user of this process."""
    wanted = _chosen(names)
    found = _outcomes(trials, wanted, trials.kinds)
    return [_probed(each, found, found, {}) for each in wanted]


def _chosen(names: Iterable[str]) -> list[Experiment]:
    known = experiments(os.getpid())
    chosen = set(names)
    return [each for each in known if not chosen or each.name in chosen]


def _probed(
    experiment: Experiment,
    inside: Mapping[str, int | None],
    outside: Mapping[str, int | None],
    by: Mapping[str, tuple[str, ...]],
) -> Probed:
    number = inside[experiment.name]
    if number == 0:
        return Probed(experiment, OPEN, 0)
    there = outside.get(experiment.name)
    if number is None or (there in ABSENT and experiment.name not in by):
        return Probed(experiment, UNKNOWN, number or 0)
    return Probed(experiment, CLOSED, number, by.get(experiment.name, ()))


def _attributed(
    trials: Trials, fenced: Sequence[Experiment], causes: Sequence[Unit]
) -> dict[str, tuple[str, ...]]:
    """Find for each experiment the smallest set of fences without which it is open.

    The fences come back one by one, for all experiments together that are open without the
    same ones.
    """
    everything = tuple(kind for unit in causes for kind in unit)
    off = {each.name: everything for each in fenced}
    for unit in causes:
        together: dict[Unit, list[Experiment]] = {}
        for each in fenced:
            fewer = tuple(kind for kind in off[each.name] if kind not in unit)
            together.setdefault(fewer, []).append(each)
        for fewer, some in together.items():
            found = _outcomes_or_none(trials, some, fewer)
            off |= {each.name: fewer for each in some if found[each.name] == 0}
    return {each.name: tuple(named(off[each.name], each.path)) for each in fenced}


def _outcomes_or_none(
    trials: Trials, wanted: Sequence[Experiment], without: Sequence[str]
) -> dict[str, int | None]:
    try:
        return _outcomes(trials, wanted, without)
    except (KernelError, ShellplayError):
        # Without its user fence a process may not join what that owns.
        return {each.name: None for each in wanted}


def _outcomes(
    trials: Trials, wanted: Sequence[Experiment], without: Sequence[str]
) -> dict[str, int | None]:
    """Return by name the errno of each experiment, 0 if it is open, None if it is unknown."""
    found: dict[str, int | None] = {}
    rest = sorted(wanted, key=lambda each: each.late)
    while rest:
        with trials.behind(without) as stub:
            while rest:
                each = rest.pop(0)
                found[each.name] = None
                try:
                    found[each.name] = _outcome(stub, each)
                except ShellGone:
                    # A filter kills for this call.  The others need another process.
                    found[each.name] = errno.EPERM
                    break
    return found


def _outcome(stub: Stub, experiment: Experiment) -> int | None:
    if experiment.steps[0][0] == "netlink":
        return ask_kernel(stub, RTM_SETLINK)
    requests: list[Request] = []
    for name, arguments in experiment.steps:
        number = call_number(name)
        if number is None:
            return None
        requests.append((str(number), arguments, ()))
    with ExitStack() as held:
        if experiment.alone:
            try:
                copy, _ = held.enter_context(stub.forked())
            except KernelError:
                return None
            held.callback(copy.quit)
            stub = copy
        results = stub.syscalls(requests)
    last = results[-1]
    if len(results) == len(requests) and (last >= 0 or -last in experiment.beyond):
        return 0
    return -last
