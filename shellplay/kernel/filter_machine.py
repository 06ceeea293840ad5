"""Read the installed filters of a process, and run them as the kernel does, seccomp(2).

A filter is a program of classic BPF over ``struct seccomp_data``, bpf(4) of the BSDs and
linux/filter.h.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Sequence

from shellplay.errors import KernelError
from shellplay.kernel import ptrace
from shellplay.kernel.seize import seized

INSTRUCTION = struct.Struct("=HBBI")
DATA = struct.Struct("=iIQ6Q")
# linux/audit.h
AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
WORD, CELLS, MOST_STEPS = 0xFFFFFFFF, 16, 4096
LOAD, LOAD_X, STORE, STORE_X, COMPUTE, JUMP, RETURN, MOVE = range(8)
IMMEDIATE, ABSOLUTE, MEMORY, LENGTH = 0x00, 0x20, 0x60, 0x80
FROM_X, ACCUMULATOR, TO_ACCUMULATOR = 0x08, 0x10, 0x80
ALWAYS = 0x00
OPERATIONS: dict[int, Callable[[int, int], int]] = {
    0x00: lambda a, b: a + b,
    0x10: lambda a, b: a - b,
    0x20: lambda a, b: a * b,
    0x30: lambda a, b: a // b if b else 0,
    0x40: lambda a, b: a | b,
    0x50: lambda a, b: a & b,
    0x60: lambda a, b: a << (b & 31),
    0x70: lambda a, b: a >> (b & 31),
    0x80: lambda a, _: -a,
    0x90: lambda a, b: a % b if b else 0,
    0xA0: lambda a, b: a ^ b,
}
COMPARISONS: dict[int, Callable[[int, int], bool]] = {
    0x10: lambda a, b: a == b,
    0x20: lambda a, b: a > b,
    0x30: lambda a, b: a >= b,
    0x40: lambda a, b: bool(a & b),
}


def installed(pid: int) -> list[bytes] | None:
    """Return the filters of a process as struct sock_filter[], the newest first.

    None if this kernel or our privileges do not allow it: it takes CAP_SYS_ADMIN on the host.
    """
    found: list[bytes] = []
    with seized(pid):
        while True:
            try:
                found.append(ptrace.seccomp_filter(pid, len(found)))
            except KernelError as error:
                # ENOENT: there is no older filter.
                return found if error.errno == errno.ENOENT else None


def answer(program: bytes, number: int, arguments: Sequence[int]) -> int:
    """Return SECCOMP_RET_* of a filter for a call of this processor.

    Raises ValueError for what is not a filter that the kernel accepts.
    """
    architecture = AUDIT_ARCHITECTURES.get(os.uname().machine, 0)
    words = [each % (1 << 64) for each in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    return _Machine(DATA.pack(number, architecture, 0, *words)).run(program)


class _Machine:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._accumulator = self._index = 0
        self._cells = [0] * CELLS

    def run(self, program: bytes) -> int:
        steps = list(INSTRUCTION.iter_unpack(program))
        at = 0
        for _ in range(MOST_STEPS):
            if at >= len(steps):
                break
            code, if_true, if_false, value = steps[at]
            kind = code & 7
            if kind == RETURN:
                return self._accumulator if code & 0x18 == ACCUMULATOR else value
            at += 1
            if kind == JUMP:
                at += self._distance(code, value, if_true, if_false)
            else:
                self._step(kind, code, value)
        raise ValueError("the filter does not end with an answer")

    def _distance(self, code: int, value: int, if_true: int, if_false: int) -> int:
        if code & 0xF0 == ALWAYS:
            return value
        other = self._index if code & FROM_X else value
        return if_true if COMPARISONS[code & 0xF0](self._accumulator, other) else if_false

    def _step(self, kind: int, code: int, value: int) -> None:
        if kind == LOAD:
            self._accumulator = self._loaded(code & 0xE0, value)
        elif kind == LOAD_X:
            self._index = self._loaded(code & 0xE0, value)
        elif kind in (STORE, STORE_X):
            self._cells[value % CELLS] = self._accumulator if kind == STORE else self._index
        elif kind == COMPUTE:
            other = self._index if code & FROM_X else value
            self._accumulator = OPERATIONS[code & 0xF0](self._accumulator, other) & WORD
        elif code & TO_ACCUMULATOR:
            self._accumulator = self._index
        else:
            self._index = self._accumulator

    def _loaded(self, mode: int, value: int) -> int:
        if mode == ABSOLUTE:
            return int.from_bytes(self._data[value : value + 4], "little")
        if mode == MEMORY:
            return self._cells[value % CELLS]
        return len(self._data) if mode == LENGTH else value
