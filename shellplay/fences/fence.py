"""What a fence is: one isolation layer with its options, and how it is put up.

A new fence is one new file: a frozen dataclass below ``Fence``, whose fields are its
options.  Help, completion, the strip and the contract tests follow from it.
"""

from __future__ import annotations

import dataclasses
import difflib
from abc import ABC
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from shellplay.errors import KernelError, UsageError
from shellplay.kernel.caller import Caller
from shellplay.kernel.namespaces import CLONE_FLAGS

REGISTRY: dict[str, type[Fence]] = {}
TRUE, FALSE = ("", "yes", "on", "true", "1"), ("no", "off", "false", "0")


@dataclass(frozen=True)
class Option:
    """One option of a fence, as help and completion need it; a flag takes no value."""

    name: str
    help: str
    metavar: str = ""
    default: str | None = None
    choices: tuple[str, ...] = ()
    flag: bool = False


def option(
    help: str,
    *,
    metavar: str = "",
    choices: tuple[str, ...] = (),
    default: str | bool | None = None,
) -> Any:  # noqa: ANN401 - a field takes the type of its annotation
    """Declare a field of a fence as an option; a bool default makes it a flag."""
    described = {"help": help, "metavar": metavar, "choices": choices}
    return dataclasses.field(default=default, kw_only=True, metadata=described)


@dataclass(frozen=True)
class Fence(ABC):
    """One isolation layer around a process.

    ``kind`` is the kernel's short name, ``man`` the page that explains it; ``one_way`` is
    true if the kernel never lets the same process go back, whatever its privileges;
    ``by_fork`` if only a child can be inside.
    """

    kind: ClassVar[str]
    man: ClassVar[str]
    one_way: ClassVar[bool] = False
    by_fork: ClassVar[bool] = False
    clone_takes_it: ClassVar[bool] = True

    join: str | None = option("share the namespace of another container", metavar="CONTAINER")

    def __init_subclass__(cls, kind: str, man: str) -> None:
        if kind in REGISTRY:
            raise TypeError(f"there are two fences named {kind}")
        if not cls.__doc__:
            raise TypeError(f"the fence {kind} does not say what it hides")
        cls.kind, cls.man = kind, man
        REGISTRY[kind] = cls

    @property
    def flag(self) -> int:
        """The CLONE_NEW* bit of its namespace."""
        return CLONE_FLAGS[self.kind]

    def unshare(self, caller: Caller) -> None:
        """Move the caller itself into a new namespace."""
        caller.unshare(self.flag)

    def settle(self, caller: Caller) -> None:  # noqa: B027 - most need nothing
        """Furnish the new namespace, from inside it."""

    def enter(self, caller: Caller, fd: int, *, of: str) -> None:
        """Move the caller itself into the existing namespace behind our descriptor."""
        path = working_directory(caller)
        with caller.passed(fd) as number:
            caller.setns(number, self.flag, of=of)
        if self.kind == "mnt":
            # Joining a mount namespace resets root and working directory to its root.
            return_to(caller, path)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return its options, its own before those that all fences have."""
        fields = [each for each in dataclasses.fields(cls) if each.name != "join"]
        fields += [each for each in dataclasses.fields(cls) if each.name == "join"]
        return tuple(
            Option(
                name=each.name,
                help=each.metadata["help"],
                metavar=each.metadata["metavar"],
                default=each.default if isinstance(each.default, str) else None,
                choices=each.metadata["choices"],
                flag=isinstance(each.default, bool),
            )
            for each in fields
        )

    @classmethod
    def parse(cls, options: dict[str, str]) -> Self:
        """Make the fence from words; raise UsageError that names the nearest option."""
        known = {each.name: each for each in cls.options()}
        values: dict[str, Any] = {}
        for name, text in options.items():
            negated = name.startswith("no-") and name[3:] in known
            plain = name[3:] if negated else name
            if plain not in known:
                raise UsageError(
                    f"fence {cls.kind} has no option {name!r}", _nearest(name, known)
                )
            values[plain] = _value(cls.kind, known[plain], "no" if negated else text)
        return cls(**values)

    def given(self) -> dict[str, str]:
        """Return the options that differ from their defaults, as text."""
        return {
            each.name: str(value) if not isinstance(value, bool) else ("yes" if value else "no")
            for each in dataclasses.fields(self)
            if (value := getattr(self, each.name)) != each.default
        }


def working_directory(caller: Caller) -> str:
    """Return the caller's working directory as the host sees it."""
    return str(Path(f"/proc/{caller.pid}/cwd").readlink())


def return_to(caller: Caller, path: str) -> None:
    """Go to a directory if it is there; otherwise stay at the root."""
    try:
        caller.chdir(path)
    except KernelError:
        caller.chdir("/")


def _value(kind: str, known: Option, text: str) -> str | bool:
    if known.flag:
        if text.lower() not in TRUE + FALSE:
            raise UsageError(f"fence {kind}: {known.name} is yes or no, not {text!r}")
        return text.lower() in TRUE
    if known.choices and text not in known.choices:
        choices = ", ".join(known.choices)
        raise UsageError(f"fence {kind}: {known.name} is one of {choices}, not {text!r}")
    if not text:
        raise UsageError(
            f"fence {kind}: {known.name} needs a value", f"{known.name}={known.metavar}"
        )
    return text


def _nearest(name: str, known: dict[str, Option]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
