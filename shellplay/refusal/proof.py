"""Prove which fences refuse a call: the smallest set without which it passes.

The call is repeated by a process behind all fences but some.  First none of them is left: if
the call is refused even then, no fence is the cause.  Then the fences come back one by one,
and each without which the call passes stays away.  The fences of a container only ever take
away, so the set that is left at the end is the smallest.
"""

from __future__ import annotations

import errno
import resource
from collections.abc import Sequence

from shellplay.container.trial import Trials
from shellplay.errors import KernelError, ShellGone, ShellplayError
from shellplay.kernel.capabilities import NAMES
from shellplay.model import Value
from shellplay.refusal.call import RefusedCall
from shellplay.refusal.capability import drop, needed
from shellplay.refusal.file_forms import FILE_CHANGES
from shellplay.refusal.repetition import (
    FORKING,
    form_of,
    is_directory_closed,
    is_refused,
)
from shellplay.refusal.units import VIRTUAL, Unit, named, units

# So many processes a trial starts to reach a limit.
MOST_FORKS = 64


class Proof(Value):
    """The result of the trials.

    ``fences`` are the kinds without which the call passes; empty if no fence is the cause, or
    if ``unproven`` says why that is not known.  ``capability`` is the one that the caps fence
    took.  ``trials`` is the number of processes that it took.
    """

    fences: tuple[str, ...] = ()
    capability: str | None = None
    trials: int = 0
    unproven: str | None = None


class Prover:
    """Makes the trials for one call."""

    def __init__(self, trials: Trials, call: RefusedCall) -> None:
        self._trials = trials
        self._call = call
        form = None if call.name in ("netlink", *FORKING) else form_of(call)
        self._covered = form.covered if form else None
        self._most = self._limit()
        self._count = 0

    def _limit(self) -> int:
        """Return the limit that the call may have reached."""
        if self._call.errno == errno.EMFILE:
            return resource.prlimit(self._trials.pid, resource.RLIMIT_NOFILE)[0]
        if self._call.errno == errno.EAGAIN and self._call.name in FORKING:
            return MOST_FORKS
        return 1

    def is_going_to_fail(self) -> bool:
        """Tell whether a call that was not made yet is refused behind all fences."""
        try:
            if self._call.name in FILE_CHANGES:
                with self._trials.behind() as stub:
                    if is_directory_closed(stub, self._call):
                        return True
            return bool(self.refused())
        except (KernelError, ShellplayError):
            return False

    def refused(self, without: Sequence[str] = ()) -> int | None:
        """Return the errno with which the call fails without some fences, 0 if it passes.

        None if it cannot be repeated.  Raises KernelError if there is no such process.
        """
        self._count += 1
        with self._trials.behind(without, self._covered) as stub:
            try:
                return is_refused(stub, self._call, self._most)
            except ShellGone:
                # A filter may kill for a call.  Of its victims in the line it is ENOSYS, too.
                return errno.ENOSYS

    def proof(self) -> Proof:
        """Find the smallest set of fences without which the call passes."""
        try:
            found = self.refused()
        except (KernelError, ShellplayError) as error:
            return self._unknown(f"no process could be started to repeat it: {error}")
        if found is None:
            return self._unknown("it is not repeated, since that could do harm")
        if found != self._call.errno:
            return self._unknown("it is refused to that program only, not to bash")
        causes = self._causes()
        off = [kind for unit in causes for kind in unit]
        if not off or not self._passes(off):
            return Proof(trials=self._count)
        for unit in causes:
            fewer = [kind for kind in off if kind not in unit]
            if self._passes(fewer):
                off = fewer
        fences = tuple(named(off, self._call.path))
        capability = self._capability(off) if "caps" in off else None
        return Proof(fences, capability, self._count)

    def _unknown(self, reason: str) -> Proof:
        return Proof(trials=self._count, unproven=reason)

    def _passes(self, without: Sequence[str]) -> bool:
        try:
            return self.refused(without) == 0
        except (KernelError, ShellplayError):
            # Without its user fence a process may not join what that owns.
            return False

    def _causes(self) -> list[Unit]:
        """Return the kinds that can be the cause, together where they come off together."""
        call, kinds = self._call, self._trials.kinds
        if call.errno == errno.EMFILE or (call.errno == errno.EAGAIN and call.name in FORKING):
            return [(kind,) for kind in ("pids", "rlimit") if kind in kinds]
        hidden = call.errno in (errno.ENOENT, errno.EROFS, errno.ENXIO, errno.ENODEV)
        virtual = call.path.startswith(tuple(VIRTUAL))
        return units(kinds, files=hidden or virtual or not call.paths)

    def _capability(self, off: Sequence[str]) -> str | None:
        """Return the capability for the call, proven by one more trial without it."""
        name = needed(self._call)
        if name is None or name not in NAMES:
            return None
        self._count += 1
        try:
            with self._trials.behind(off, self._covered) as stub:
                drop(stub, name)
                again = is_refused(stub, self._call, self._most)
        except (KernelError, ShellplayError):
            return None
        return name if again == self._call.errno else None
