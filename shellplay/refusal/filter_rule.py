"""Which installed filter denies a call, and what Docker's profile has about it."""

from __future__ import annotations

import errno

from shellplay.fences.base.seccomp_profile import unlocking
from shellplay.kernel import filter_machine
from shellplay.refusal.call import RefusedCall

# linux/seccomp.h: the action is above the low 16 bits, which are its data.
ACTION, ERRNO, ALLOW, LOG = 0xFFFF0000, 0x00050000, 0x7FFF0000, 0x7FFC0000
KILLS = (0x80000000, 0x00000000)


def rule(pid: int, call: RefusedCall) -> str | None:
    """Say what the filters of a bash answer to a call; None if that cannot be known.

    The filters are read from the kernel and run on the call.
    """
    filters = filter_machine.installed(pid) if call.number >= 0 else None
    for place, program in enumerate(filters or ()):
        numbers = [each if isinstance(each, int) else 0 for each in call.arguments]
        answer = filter_machine.answer(program, call.number, numbers)
        if answer & ACTION not in (ALLOW, LOG):
            which = "the filter" if len(filters or ()) == 1 else f"filter {place + 1}"
            return f"{which} answers {_name(answer)} to {call.name}{_unlocked(call.name)}"
    return None


def _name(answer: int) -> str:
    if answer & ACTION == ERRNO:
        return errno.errorcode.get(answer & 0xFFFF, str(answer & 0xFFFF))
    return "with a kill" if answer & ACTION in KILLS else f"{answer:#x}"


def _unlocked(call: str) -> str:
    names = [f"CAP_{each.upper()}" for each in unlocking(call)]
    return f"; Docker's profile allows it with {' or '.join(names)}" if names else ""
