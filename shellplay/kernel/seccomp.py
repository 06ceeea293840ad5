"""Compile rules into a filter of system calls, a BPF program of seccomp(2).

libseccomp compiles the rules.  Only this module imports pyseccomp, for the first filter.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType

from shellplay.errors import KernelError, Refused
from shellplay.kernel import constants as k
from shellplay.model import Value

# struct sock_filter, and the instructions that we put before the program of libseccomp.
INSTRUCTION = struct.Struct("=HBBI")
JUMP, LOAD, RETURN = 0x05, 0x20, 0x06
JUMP_IF_EQUAL, JUMP_IF_GREATER, JUMP_IF_AT_LEAST = 0x15, 0x25, 0x35
NUMBER, ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
ENOSYS = 38
X32_BIT = 0x40000000
ALLOWED = (RETURN, 0, 0, k.SECCOMP_RET_ALLOW)


class Action(Value):
    """The action for a call: ``allow``, ``kill``, ``log``, ``trap``, or ``errno``."""

    name: str
    errno: int = 1


ALLOW = Action("allow")


class Condition(Value):
    """A comparison of one argument of a call; the operators are in seccomp_rule_add(3)."""

    argument: int
    operator: str
    value: int
    second: int = 0


class Rule(Value):
    """The action for the named calls, if all conditions are true."""

    names: tuple[str, ...]
    action: Action
    conditions: tuple[Condition, ...] = ()


class Rules(Value):
    """A filter: rules, the action for all other calls, and further architectures.

    A call for which one of the rules in ``first`` has an action gets that; the others are
    for ``rules``, which libseccomp does not let contradict each other.
    ``architectures`` are names of libseccomp, like ``X86``, for programs that this processor
    runs too.  The kernel kills a program of an architecture that is not named.
    """

    default: Action
    rules: tuple[Rule, ...]
    architectures: tuple[str, ...] = ()
    first: tuple[Rule, ...] = ()


def knows_call(name: str) -> bool:
    """Tell whether libseccomp knows a system call of this name, for any processor."""
    library = _library()
    return name.isascii() and int(library.resolve_syscall(library.Arch.NATIVE, name)) != -1


def call_number(name: str) -> int | None:
    """Return the number of a system call of this processor; None if it has no such call."""
    library = _library()
    number = int(library.resolve_syscall(library.Arch.NATIVE, name))
    return number if number >= 0 else None


def call_name(number: int) -> str | None:
    """Return the name of a system call of this processor; None if libseccomp has none."""
    library = _library()
    try:
        name = library.resolve_syscall(library.Arch.NATIVE, number)
    except ValueError:
        return None
    return name.decode() if isinstance(name, bytes) else str(name)


def knows_architecture(architecture: str) -> bool:
    """Tell whether libseccomp knows an architecture of this name, like ``X86``."""
    return hasattr(_library().Arch, architecture)


@lru_cache(maxsize=16)
def compiled(wanted: Rules) -> bytes:
    """Compile rules, or read them from the cache; return struct sock_filter[].

    Names that libseccomp does not know are skipped.  With the default action ``errno``, a
    call newer than all named calls fails with ENOSYS, as on an old kernel.  Raises Refused if
    libseccomp is missing, KernelError if it refuses the rules.
    """
    # Loaded here: to list the fences needs no filter.
    from shellplay.kernel import seccomp_cache

    path = seccomp_cache.place(wanted)
    found = seccomp_cache.load(path) if path else None
    if found is None:
        found = _compiled(wanted)
        if path:
            seccomp_cache.save(path, found)
    return found


def _compiled(wanted: Rules) -> bytes:
    library = _library()
    try:
        program = library.SyscallFilter(_number(library, wanted.default))
        for name in wanted.architectures:
            program.add_arch(getattr(library.Arch, name))
        last = 0
        for rule in wanted.rules:
            last = max(last, _add(library, program, rule, wanted.default))
        text = _exported(program)
        if wanted.first:
            before = Rules(ALLOW, wanted.first, wanted.architectures)
            text = _followed_by(_compiled(before), text)
    except OSError as error:
        raise KernelError(
            "seccomp_rule_add", error.errno or 0, "libseccomp", "no two rules may contradict"
        ) from error
    return _newer(library, last) + text if wanted.default.name == "errno" and last else text


def _add(library: ModuleType, program: object, rule: Rule, default: Action) -> int:
    """Add a rule to a filter of libseccomp; return the highest number of its calls."""
    last = 0
    action = _number(library, rule.action)
    arguments = [_argument(library, each) for each in rule.conditions]
    for name in rule.names:
        number = int(library.resolve_syscall(library.Arch.NATIVE, name))
        last = max(last, number)
        # libseccomp refuses a rule with the default action.
        if number != -1 and rule.action != default:
            program.add_rule(action, number, *arguments)  # type: ignore[attr-defined]
    return last


def _newer(library: ModuleType, last: int) -> bytes:
    steps = (
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_IF_EQUAL, 0, 4, int(library.system_arch())),
        (LOAD, 0, 0, NUMBER),
        (JUMP_IF_AT_LEAST, 2, 0, X32_BIT),
        (JUMP_IF_GREATER, 0, 1, last),
        (RETURN, 0, 0, k.SECCOMP_RET_ERRNO | ENOSYS),
    )
    return b"".join(INSTRUCTION.pack(*step) for step in steps)


def _followed_by(first: bytes, text: bytes) -> bytes:
    """Return a filter that asks a second one about the calls that the first one allows."""
    steps = list(INSTRUCTION.iter_unpack(first))
    for at, step in enumerate(steps):
        if step == ALLOWED:
            steps[at] = (JUMP, 0, 0, len(steps) - at - 1)
    return b"".join(INSTRUCTION.pack(*step) for step in steps) + text


def _exported(program: object) -> bytes:
    fd = os.memfd_create("filter", os.MFD_CLOEXEC)
    with open(fd, "r+b") as file:
        program.export_bpf(file)  # type: ignore[attr-defined]
        file.seek(0)
        return file.read()


def _number(library: ModuleType, action: Action) -> int:
    match action.name:
        case "allow":
            return int(library.ALLOW)
        case "kill":
            return int(library.KILL_PROCESS)
        case "log":
            return int(library.LOG)
        case "trap":
            return int(library.TRAP)
    return int(library.ERRNO(action.errno))


def _argument(library: ModuleType, condition: Condition) -> object:
    operator = getattr(library, condition.operator)
    return library.Arg(condition.argument, operator, condition.value, condition.second)


def _library() -> ModuleType:
    try:
        with _found_by_soname():
            import pyseccomp
    except ImportError as error:
        raise Refused("filters need pyseccomp", "pip install 'shellplay[seccomp]'") from error
    except OSError as error:
        if "No such file" not in str(error):
            raise
        raise Refused("filters need libseccomp", "apt-get install libseccomp2") from error
    module: ModuleType = pyseccomp
    return module


@contextmanager
def _found_by_soname() -> Iterator[None]:
    """Have pyseccomp load its two libraries by their soname in the block.

    It would search for them by ldconfig, gcc and ld: that takes processes and temporary files,
    and without those the library seems to be missing.
    """
    import ctypes.util

    search = ctypes.util.find_library
    # dlopen(3) of no name gives the program itself, and so its C library.
    sonames = {"c": None, "seccomp": "libseccomp.so.2"}
    ctypes.util.find_library = sonames.get  # type: ignore[assignment]
    try:
        yield
    finally:
        ctypes.util.find_library = search
