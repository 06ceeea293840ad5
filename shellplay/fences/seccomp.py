"""The seccomp fence: which system calls a process may make, see seccomp(2)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Self

from shellplay.directories import expanded
from shellplay.errors import UsageError
from shellplay.fences.base import seccomp_profile
from shellplay.fences.base.fence import listed, option
from shellplay.fences.base.seccomp_filter import SeccompFilter
from shellplay.fences.base.seccomp_profile import Here
from shellplay.kernel import constants as k
from shellplay.kernel import seccomp
from shellplay.kernel.procfs import Status
from shellplay.kernel.seccomp import ALLOW, Action, Condition, Rule, Rules
from shellplay.nearest import did_you_mean

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target

ACTIONS = {
    "EPERM": Action("errno", errno.EPERM),
    "ENOSYS": Action("errno", errno.ENOSYS),
    "kill": Action("kill"),
    "log": Action("log"),
}
# Bash at its prompt ends without one of these calls.
NEEDED = (
    *("exit_group", "ioctl", "munmap", "pselect6", "read", "rt_sigaction", "rt_sigprocmask"),
    *("rt_sigreturn", "setpgid", "write"),
)
# Requests that type into a terminal (CVE-2017-5226).  The kernel takes the low 32 bits.
TYPING = (k.TIOCSTI, k.TIOCLINUX)
REQUEST = 0xFFFFFFFF
# What is called through a ring, io_uring(7), passes no filter.
RING = "io_uring_setup"
RING_NOTE = f"{RING} fails as well: no filter sees the calls of a ring (allow={RING})"
LIST = "CALL,..."


class Seccomp(SeccompFilter, kind="seccomp", man="seccomp(2)"):
    """Filters system calls: a call that is not allowed fails, for root too.

    ``seccomp docker`` is the default profile of Docker.  It allows more calls to a bash
    with more capabilities.  Here it also denies to type into a terminal.  ``profile=`` is a
    file in the same format.  ``deny=`` and ``allow=`` change the profile.  Alone, ``deny=``
    denies only the calls that it lists, and io_uring_setup: no filter sees the calls of a
    ring (``allow=io_uring_setup``).  ``action=`` is the answer to a denied call: an error,
    ``kill``, or ``log``, which allows it.  ``fence seccomp`` alone means ``seccomp docker``.
    """

    trial = "in grep Seccomp /proc/self/status"

    foreign = True

    preset: str | None = option(
        "the allowed calls",
        host=None,
        choices=("docker",),
        metavar="docker",
        bare=True,
        default=None,
    )
    profile: str | None = option(
        "a profile, a JSON file in Docker's format",
        host="reads {}",
        metavar="FILE",
        default=None,
    )
    deny: str | None = option(
        "deny these calls", host=None, metavar=LIST, words=seccomp_profile.names, default=None
    )
    allow: str | None = option(
        "allow these calls as well", host=None, metavar=LIST, default=None
    )
    action: str | None = option(
        "the answer to a denied call",
        host=None,
        choices=tuple(ACTIONS),
        metavar="|".join(ACTIONS),
        default=None,
    )
    # The rules, for the capabilities that bash had when the fence was prepared, and the
    # program that they became then.
    ready: Rules | None = None
    program: bytes | None = None

    def _check(self) -> None:
        if self.preset and self.profile:
            raise UsageError("fence seccomp: a preset and a profile are one too many")
        denied, _ = _names(self.deny), _names(self.allow)
        vital = [name for name in NEEDED if name in denied]
        if vital and self.action != "log":
            raise UsageError(
                f"fence seccomp: bash itself needs {', '.join(vital)}",
                "action=log says who calls",
            )
        if self.ready is None:
            self.rules(0)

    def rules(self, capabilities: int) -> Rules:
        """Return the rules for a process with a set of capabilities.

        Raises UsageError if the file is not a profile.
        """
        denied, allowed = _names(self.deny), _names(self.allow)
        action = ACTIONS[self.action or "EPERM"]
        closed = self._closed_ring(action)
        if denied and not (set(allowed) - {RING} or self.preset or self.profile):
            # Without these a 32-bit program could make the call, or would be killed.
            others = seccomp_profile.architectures()
            return Rules(ALLOW, (Rule(denied, action), *closed), others)
        changed = {*denied, *allowed, *(name for each in closed for name in each.names)}
        here = Here.with_capabilities(capabilities)
        if self.profile is None:
            base = seccomp_profile.docker(here)
        else:
            base = seccomp_profile.read(expanded(self.profile), here)
        default = action if self.action else base.default
        kept = tuple(name for name in allowed if name not in denied)
        return Rules(
            default,
            (
                *(_without(each, changed) for each in base.rules),
                Rule(kept, ALLOW),
                Rule(denied, action),
                *closed,
            ),
            base.architectures,
            () if self.profile or "ioctl" in allowed else _no_typing(default),
        )

    def _closed_ring(self, action: Action) -> tuple[Rule, ...]:
        """Return the rule that keeps a list of denied calls from being gone around."""
        if not self.deny or RING in (*_names(self.deny), *_names(self.allow)):
            return ()
        # Programs that ask for a ring do well without one, but not if they are killed.
        return (Rule((RING,), ACTIONS["EPERM"] if action.name == "kill" else action),)

    def prepared(self, status: Status) -> tuple[Self, tuple[str, ...]]:
        """Return the fence with its rules for the capabilities of the process."""
        ready = self.ready or self.rules(status.permitted)
        # An error of libseccomp is raised before another fence is applied.
        program = seccomp.compiled(ready)
        of_docker = self.preset or (self.allow and not self.profile)
        notes = () if of_docker or not self._closed_ring(ALLOW) else (RING_NOTE,)
        return self.changed(ready=ready, program=program), notes

    def apply(self, target: Target) -> None:
        """Install the filter; no process can remove it."""
        program = self.program or seccomp.compiled(self.ready or self.rules(0))
        target.caller.seccomp(program)


def _no_typing(action: Action) -> tuple[Rule, ...]:
    return tuple(
        Rule(("ioctl",), action, (Condition(1, "MASKED_EQ", REQUEST, each),)) for each in TYPING
    )


def _without(rule: Rule, changed: set[str]) -> Rule:
    if not changed or changed.isdisjoint(rule.names):
        return rule
    kept = tuple(each for each in rule.names if each not in changed)
    return rule.changed(names=kept)


def _names(text: str | None) -> tuple[str, ...]:
    names = () if text is None else listed("seccomp", text)
    for name in names:
        if not seccomp.knows_call(name):
            near = did_you_mean(name, seccomp_profile.names(), "man 2 syscalls has them")
            raise UsageError(f"there is no system call {name!r}", near)
    return names
