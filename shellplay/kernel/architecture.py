"""Processors: register layout, syscall numbers, and the syscall instruction.

A remote syscall depends on three things: the registers of the number and the arguments, the
registers of an interrupted call, and the bytes of the instruction.  Layouts:
arch/x86/include/asm/user_64.h, arch/arm64/include/uapi/asm/ptrace.h.  Restart rules:
arch/*/kernel/signal.c.  The code for aarch64 is tested in qemu, not on hardware.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from functools import cache

from shellplay.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar, Protocol

    class Registers(Protocol):
        """Registers by name: of a process, or a dict."""

        def __getitem__(self, name: str, /) -> int: ...


WORD = 1 << 64

# linux/errno.h: results of an interrupted call, which the kernel is going to restart.
RESTART_CODES = frozenset({512, 513, 514, 516})


def signed(word: int) -> int:
    """Read a 64-bit register as a signed number."""
    return word - WORD if word >> 63 else word


class Architecture(ABC):
    """One processor: its registers in regset order, and its system calls."""

    machine: str
    registers: tuple[str, ...]
    instruction: bytes
    loop: bytes
    alignment: int
    # Whether the kernel forgets, in a stop, that a call was interrupted: registers then make a
    # new call of it.
    forgets_interruption: bool
    numbers: ClassVar[Mapping[str, int]]

    @property
    def positions(self) -> Mapping[str, int]:
        """The position of each register in the NT_PRSTATUS regset, by name."""
        return _positions(self.registers)

    def number(self, name: str) -> int:
        """Return the number of a system call; raise KeyError for an unknown name.

        A number as text stands for itself: ``numbers`` has the calls of the fences only.
        """
        return int(name) if name.isdigit() else self.numbers[name]

    @abstractmethod
    def program_counter(self, registers: Registers) -> int:
        """Return the address of the next instruction."""

    @abstractmethod
    def below_stack(self, registers: Registers) -> int:
        """Return the address below which the stack is free."""

    @abstractmethod
    def likely_gadgets(self, registers: Registers) -> tuple[int, ...]:
        """Return the addresses where an interrupted call has its syscall instruction."""

    @abstractmethod
    def interrupted_call(self, registers: Registers, *, at_instruction: bool) -> int | None:
        """Return the number of the call that the kernel is going to restart, or None.

        ``at_instruction`` is True if the program counter points to the instruction.
        """

    @abstractmethod
    def call_registers(
        self, registers: Registers, gadget: int, number: int, arguments: Sequence[int]
    ) -> dict[str, int]:
        """Return the registers to change for a call of ``number`` at address ``gadget``."""

    @abstractmethod
    def loop_registers(
        self, registers: Registers, code: int, table: int, count: int
    ) -> dict[str, int]:
        """Return the registers to change so that ``loop`` at address ``code`` makes many calls.

        A row of the table has the number of a call, six arguments, and space for the result.
        The loop traps after the first failed call, or after the last call.
        """

    @abstractmethod
    def result(self, registers: Registers) -> int:
        """Return the result of the call; -4095..-1 is a negative errno."""


class X86_64(Architecture):
    """AMD64: number in rax, arguments in rdi rsi rdx r10 r8 r9."""

    machine = "x86_64"
    registers = (
        *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx"),
        *("rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base"),
        *("gs_base", "ds", "es", "fs", "gs"),
    )
    instruction = b"\x0f\x05"
    alignment = 1
    forgets_interruption = False
    loop = bytes.fromhex(
        "498b07"  # row: mov rax, [r15]
        "498b7f08 498b7710 498b5718"  # mov rdi, [r15+8]; rsi, [r15+16]; rdx, [r15+24]
        "4d8b5720 4d8b4728 4d8b4f30"  # mov r10, [r15+32]; r8, [r15+40]; r9, [r15+48]
        "0f05"  # syscall
        "49894738"  # mov [r15+56], rax
        "4983c740"  # add r15, 64
        "4885c0 7805"  # test rax, rax; js end
        "49ffce 75d1"  # dec r14; jnz row
        "cc"  # end: int3
    )
    numbers: ClassVar[Mapping[str, int]] = {
        **{"read": 0, "write": 1, "close": 3, "mmap": 9, "munmap": 11, "rt_sigprocmask": 14},
        **{"rt_sigaction": 13},
        **{"ioctl": 16, "select": 23, "dup2": 33, "getpid": 39, "socket": 41, "recvmsg": 47},
        **{"socketpair": 53, "clone": 56, "wait4": 61, "kill": 62, "chdir": 80, "fchdir": 81},
        **{"ptrace": 101, "setpgid": 109, "setsid": 112, "setresuid": 117, "setresgid": 119},
        **{"setgroups": 116, "pivot_root": 155, "prctl": 157, "chroot": 161, "mount": 165},
        **{
            "umount2": 166,
            "uname": 63,
            "sethostname": 170,
            "setdomainname": 171,
            "pselect6": 270,
            "unshare": 272,
            "dup3": 292,
            "fcntl": 72,
            "fstatfs": 138,
        },
        **{"setns": 308, "pidfd_send_signal": 424, "pidfd_open": 434, "close_range": 436},
        **{"openat2": 437, "pidfd_getfd": 438, "capset": 126, "seccomp": 317, "umask": 95},
        **{"landlock_create_ruleset": 444, "landlock_add_rule": 445},
        **{"landlock_restrict_self": 446, "prlimit64": 302},
        **{
            "connect": 42,
            "sendto": 44,
            "recvfrom": 45,
            "bind": 49,
            "setsockopt": 54,
            "settimeofday": 164,
        },
        **{
            "faccessat": 269,
            "fchownat": 260,
            "mkdirat": 258,
            "mknodat": 259,
            "symlinkat": 266,
            "open_tree": 428,
        },
        **{"move_mount": 429, "mount_setattr": 442, "keyctl": 250},
    }

    def program_counter(self, registers: Registers) -> int:
        """Return the address of the next instruction."""
        return registers["rip"]

    def below_stack(self, registers: Registers) -> int:
        """Return the end of the red zone: functions may use 128 bytes below the pointer."""
        return registers["rsp"] - 128

    def likely_gadgets(self, registers: Registers) -> tuple[int, ...]:
        """Return where the instruction stands if a call was interrupted."""
        return (registers["rip"] - len(self.instruction),)

    def interrupted_call(self, registers: Registers, *, at_instruction: bool) -> int | None:
        """Return the number of the call that waits for its restart, or None."""
        waits = -signed(registers["rax"]) in RESTART_CODES
        number = signed(registers["orig_rax"])
        return number if waits and number >= 0 else None

    def call_registers(
        self, registers: Registers, gadget: int, number: int, arguments: Sequence[int]
    ) -> dict[str, int]:
        """Return the registers to change for a call at ``gadget``."""
        # orig_rax >= 0 means an interrupted call: to restart it the kernel moves rip back by
        # two.  So we set -1.
        changed = {"rip": gadget, "rax": number, "orig_rax": WORD - 1}
        changed.update(zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), arguments, strict=False))
        return changed

    def loop_registers(
        self, registers: Registers, code: int, table: int, count: int
    ) -> dict[str, int]:
        """Return the registers to change so that the loop makes many calls."""
        return {"rip": code, "r15": table, "r14": count, "orig_rax": WORD - 1}

    def result(self, registers: Registers) -> int:
        """Return the result of the call."""
        return signed(registers["rax"])


class AArch64(Architecture):
    """ARM64: number in x8, arguments in x0 to x5."""

    machine = "aarch64"
    registers = (*(f"x{n}" for n in range(31)), "sp", "pc", "pstate")
    instruction = b"\x01\x00\x00\xd4"
    alignment = 4
    forgets_interruption = True
    loop = bytes.fromhex(
        "680240a9"  # row: ldp x8, x0, [x19]
        "610a41a9 631242a9 651a40f9"  # ldp x1, x2, [x19,#16]; x3, x4, [x19,#32]; ldr x5
        "010000d4"  # svc #0
        "601e00f9"  # str x0, [x19,#56]
        "73020191"  # add x19, x19, #64
        "6000f8b7"  # tbnz x0, #63, end
        "940600f1 e1feff54"  # subs x20, x20, #1; b.ne row
        "000020d4"  # end: brk #0
    )
    numbers: ClassVar[Mapping[str, int]] = {
        **{
            "dup3": 24,
            "fcntl": 25,
            "fstatfs": 44,
            "ioctl": 29,
            "umount2": 39,
            "mount": 40,
            "pivot_root": 41,
            "chdir": 49,
        },
        **{"fchdir": 50, "chroot": 51, "close": 57, "read": 63, "write": 64, "pselect6": 72},
        **{"unshare": 97, "ptrace": 117, "kill": 129, "rt_sigprocmask": 135, "setresuid": 147},
        **{"setresgid": 149, "setpgid": 154, "setsid": 157, "setgroups": 159},
        **{
            "uname": 160,
            "sethostname": 161,
            "setdomainname": 162,
            "prctl": 167,
            "getpid": 172,
            "socket": 198,
            "socketpair": 199,
        },
        **{"recvmsg": 212, "munmap": 215, "clone": 220, "mmap": 222, "wait4": 260},
        **{
            "rt_sigaction": 134,
            "setns": 268,
            "pidfd_send_signal": 424,
            "pidfd_open": 434,
            "close_range": 436,
        },
        **{"openat2": 437, "pidfd_getfd": 438, "capset": 91, "seccomp": 277, "umask": 166},
        **{"landlock_create_ruleset": 444, "landlock_add_rule": 445},
        **{"landlock_restrict_self": 446, "prlimit64": 261},
        **{
            "connect": 203,
            "sendto": 206,
            "recvfrom": 207,
            "bind": 200,
            "setsockopt": 208,
            "settimeofday": 170,
        },
        **{
            "faccessat": 48,
            "fchownat": 54,
            "mkdirat": 34,
            "mknodat": 33,
            "symlinkat": 36,
            "open_tree": 428,
        },
        **{"move_mount": 429, "mount_setattr": 442, "keyctl": 219},
    }
    # Bits 10 and 11 of PSTATE: the branch type.  An old value faults on BTI hardware.
    branch_type = 0b11 << 10

    def program_counter(self, registers: Registers) -> int:
        """Return the address of the next instruction."""
        return registers["pc"]

    def below_stack(self, registers: Registers) -> int:
        """Return the stack pointer: aarch64 has no red zone."""
        return registers["sp"]

    def likely_gadgets(self, registers: Registers) -> tuple[int, ...]:
        """Return none: a call there could be taken for the restart of the interrupted one."""
        # The kernel moves pc back before the stop.  If pc is still there afterwards, and a
        # sleep was interrupted, the kernel writes restart_syscall(2) over our number.
        return ()

    def interrupted_call(self, registers: Registers, *, at_instruction: bool) -> int | None:
        """Return the number of the call that waits for its restart, or None."""
        return registers["x8"] if at_instruction else None

    def call_registers(
        self, registers: Registers, gadget: int, number: int, arguments: Sequence[int]
    ) -> dict[str, int]:
        """Return the registers to change for a call at ``gadget``."""
        pstate = registers["pstate"] & ~self.branch_type
        changed = {"pc": gadget, "x8": number, "pstate": pstate}
        changed.update((f"x{n}", value) for n, value in enumerate(arguments))
        return changed

    def loop_registers(
        self, registers: Registers, code: int, table: int, count: int
    ) -> dict[str, int]:
        """Return the registers to change so that the loop makes many calls."""
        pstate = registers["pstate"] & ~self.branch_type
        return {"pc": code, "x19": table, "x20": count, "pstate": pstate}

    def result(self, registers: Registers) -> int:
        """Return the result of the call."""
        return signed(registers["x0"])


@cache
def _positions(registers: tuple[str, ...]) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(registers)}


KNOWN: dict[str, type[Architecture]] = {each.machine: each for each in (X86_64, AArch64)}


@cache
def native() -> Architecture:
    """Return the architecture of this machine; raise Refused if it is unknown."""
    machine = os.uname().machine
    if machine not in KNOWN:
        raise Refused(f"no register layout is known for {machine}", "set live off")
    return KNOWN[machine]()
