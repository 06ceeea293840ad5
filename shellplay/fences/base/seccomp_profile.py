"""Seccomp profiles in Docker's format, and the rules of a profile that apply on this machine.

The format is that of ``docker run --security-opt seccomp=FILE``.  A rule can depend on
capabilities, on the processor and on the version of the kernel.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from shellplay.errors import UsageError
from shellplay.kernel import seccomp
from shellplay.kernel.capabilities import NAMES, has
from shellplay.kernel.seccomp import Action, Condition, Rule, Rules
from shellplay.model import Value

DOCKER = os.path.join(os.path.dirname(__file__), "..", "profiles", "docker.json")
# What Go, and so the format, calls processors, by uname(2); and what libseccomp does.
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
NATIVE = {"amd64": "X86_64", "arm64": "AARCH64"}
OPERATORS = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")
ACTIONS = {
    "SCMP_ACT_ALLOW": "allow",
    "SCMP_ACT_ERRNO": "errno",
    "SCMP_ACT_KILL": "kill",
    "SCMP_ACT_KILL_THREAD": "kill",
    "SCMP_ACT_KILL_PROCESS": "kill",
    "SCMP_ACT_LOG": "log",
    "SCMP_ACT_TRAP": "trap",
}


# linux/errno.h: no call returns another error; and no call has more arguments.
LARGEST_ERRNO, ARGUMENTS, LARGEST_VALUE = 4095, 6, 2**64 - 1
LARGEST = 10**6  # characters of a profile; Docker's has 17,000


class Here(Value):
    """The values for the conditions of a profile: processor, kernel and capabilities."""

    machine: str
    kernel: tuple[int, int]
    capabilities: int

    @classmethod
    def with_capabilities(cls, capabilities: int) -> Here:
        """Return this machine, for a process that has some capabilities."""
        import re

        system = os.uname()
        first, second = re.findall(r"\d+", system.release)[:2]
        machine = MACHINES.get(system.machine, system.machine)
        return cls(machine, (int(first), int(second)), capabilities)


def read(path: str | os.PathLike[str], here: Here) -> Rules:
    """Return the rules of a profile that apply here; UsageError if it is not a profile."""
    # Loaded here: a command that only shows fences needs no profile.
    import json

    try:
        return _rules(json.loads(_text(path)), here)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not a seccomp profile as Docker has them: {_reason(error)}"
        ) from error


@cache
def unlocking(call: str) -> tuple[str, ...]:
    """Return the capabilities with which Docker's profile allows a call that it denies."""
    import json

    profile = json.loads(_text(DOCKER))
    found = (
        capability.removeprefix("CAP_").lower()
        for rule in profile["syscalls"]
        if call in rule["names"] and rule["action"] == "SCMP_ACT_ALLOW"
        for capability in (rule.get("includes") or {}).get("caps", ())
    )
    return tuple(dict.fromkeys(found))


@cache
def docker(here: Here) -> Rules:
    """Return the rules of Docker's profile that apply here."""
    return read(DOCKER, here)


def _text(path: str | os.PathLike[str]) -> str:
    """Return the text of a profile; ValueError for another kind of file, or a large one."""
    if not os.path.isfile(path):
        os.stat(path)
        raise ValueError("it is not a file")
    with open(path) as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} characters")
    return text


def _reason(error: Exception) -> str:
    match error:
        case KeyError():
            return f"it lacks {error}"
        case ValueError():
            return str(error)
    return "something in it is of the wrong type"


@cache
def names() -> tuple[str, ...]:
    """Return the names of all system calls in Docker's profile, sorted."""
    import json

    rules = json.loads(_text(DOCKER))["syscalls"]
    return tuple(sorted({name for rule in rules for name in rule["names"]}))


def architectures() -> tuple[str, ...]:
    """Return the names in libseccomp of the other processors whose programs run here."""
    return docker(Here.with_capabilities(0)).architectures


def _rules(content: Mapping[str, Any], here: Here) -> Rules:
    rules = content.get("syscalls") or ()
    return Rules(
        default=_action(content["defaultAction"], content.get("defaultErrnoRet")),
        rules=tuple(_rule(each) for each in rules if _holds(each, here)),
        architectures=_architectures(content, here),
    )


def _rule(rule: Mapping[str, Any]) -> Rule:
    listed = tuple(map(str, rule.get("names") or (rule["name"],)))
    conditions = tuple(map(_condition, rule.get("args") or ()))
    return Rule(listed, _action(rule["action"], rule.get("errnoRet")), conditions)


def _condition(argument: Mapping[str, Any]) -> Condition:
    operator = str(argument["op"]).removeprefix("SCMP_CMP_")
    if operator not in OPERATORS:
        raise ValueError(f"there is no comparison {argument['op']}")
    index = _within(argument["index"], ARGUMENTS - 1, "an index")
    value = _within(argument["value"], LARGEST_VALUE, "a value")
    second = _within(argument.get("valueTwo") or 0, LARGEST_VALUE, "a value")
    return Condition(index, operator, value, second)


def _action(name: str, number: int | None) -> Action:
    if name not in ACTIONS:
        raise ValueError(f"{name} is none of {', '.join(ACTIONS)}")
    if number is None:
        return Action(ACTIONS[name], errno.EPERM)
    return Action(ACTIONS[name], _within(number, LARGEST_ERRNO, "an errnoRet"))


def _within(value: Any, largest: int, what: str) -> int:  # noqa: ANN401 - anything in JSON
    if not isinstance(value, int) or not 0 <= value <= largest:
        raise ValueError(f"{what} is {value!r}, and not 0 to {largest}")
    return value


def _holds(rule: Mapping[str, Any], here: Here) -> bool:
    wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
    if wanted.get("arches") and here.machine not in wanted["arches"]:
        return False
    if here.machine in (unwanted.get("arches") or ()):
        return False
    oldest = wanted.get("minKernel")
    if oldest and here.kernel < _kernel(oldest):
        return False
    if not all(_may(here, each) for each in wanted.get("caps") or ()):
        return False
    return not any(_may(here, each) for each in unwanted.get("caps") or ())


def _kernel(text: str) -> tuple[int, ...]:
    numbers = str(text).split(".")[:2]
    if not all(each.isdecimal() for each in numbers):
        raise ValueError(f"there is no kernel {text!r}")
    return tuple(map(int, numbers))


def _may(here: Here, capability: str) -> bool:
    name = capability.removeprefix("CAP_").lower()
    return name in NAMES and has(here.capabilities, name)


def _architectures(content: Mapping[str, Any], here: Here) -> tuple[str, ...]:
    native = NATIVE.get(here.machine)
    listed = content.get("architectures") or ()
    for each in content.get("archMap") or ():
        if each["architecture"] == f"SCMP_ARCH_{native}":
            listed = each.get("subArchitectures") or ()
    others = tuple(str(each).removeprefix("SCMP_ARCH_") for each in listed)
    for each in others:
        if not seccomp.knows_architecture(each):
            raise ValueError(f"there is no processor SCMP_ARCH_{each}")
    return tuple(each for each in others if each != native)
