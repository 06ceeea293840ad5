"""Find out what a filter decides about a system call, without its effect."""

from __future__ import annotations

import ctypes
import os
import struct

import pyseccomp
import pytest

from shellplay.kernel.constants import PR_SET_NO_NEW_PRIVS, SECCOMP_RET_ERRNO
from shellplay.kernel.here import HERE

ALLOWED = 200  # An error number that no system call returns.


def number(name: str) -> int:
    """Return the number of a system call; skip the test if the processor does not have it."""
    found = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    if found < 0:
        pytest.skip(f"this processor has no {name}")
    return int(found)


def decision(program: bytes, call: int, argument: int = 0) -> int:
    """Return the errno of a system call behind a filter, ALLOWED if the filter allows it.

    Behind an older filter that answers ``ALLOWED`` for the one call in question, this one
    decides alone: of two that both return an error number the younger one is heard, and an
    error number counts more than an allowance, see seccomp(2).
    """
    steps = [
        (0x20, 0, 0, 0),  # load the number
        (0x15, 0, 1, call),
        (0x06, 0, 0, SECCOMP_RET_ERRNO | ALLOWED),
        (0x06, 0, 0, pyseccomp.ALLOW),
    ]
    older = b"".join(struct.pack("=HBBI", *step) for step in steps)
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    child = os.fork()
    if child == 0:
        HERE.prctl(PR_SET_NO_NEW_PRIVS, 1)
        HERE.seccomp(older)
        HERE.seccomp(program)
        syscall(ctypes.c_long(call), ctypes.c_long(argument), 0, 0, 0, 0, 0)
        os._exit(ctypes.get_errno())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
