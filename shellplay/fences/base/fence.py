"""What a fence is: one isolation layer with its options, and what the kernel shows of it.

A new fence is one new file: a frozen dataclass below one of the families of fences (a
``Namespace``, a ``Restriction`` or a ``Limit``), whose fields are its options.  Help,
completion, the strip and the contract tests follow from it.
"""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from shellplay.errors import UsageError
from shellplay.kernel.procfs import Status
from shellplay.nearest import did_you_mean

REGISTRY: dict[str, type[Fence]] = {}
TRUE, FALSE = ("", "yes", "on", "true", "1"), ("no", "off", "false", "0")


@dataclass(frozen=True)
class Option:
    """One option of a fence, as help and completion need it.

    A flag takes no value, and is ``on`` if nothing is said; a ``bare`` one may be given by
    its value alone; ``words`` are what its value may list, with commas between them.
    """

    name: str
    help: str
    metavar: str = ""
    default: str | None = None
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    flag: bool = False
    bare: bool = False
    on: bool = False


def option(
    help: str,
    *,
    metavar: str = "",
    choices: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    default: str | bool | None = None,
    bare: bool = False,
) -> Any:  # noqa: ANN401 - a field takes the type of its annotation
    """Declare a field of a fence as an option; a bool default makes it a flag."""
    described = {
        "help": help,
        "metavar": metavar,
        "choices": choices,
        "words": words,
        "bare": bare,
    }
    return dataclasses.field(default=default, kw_only=True, metadata=described)


@dataclass(frozen=True)
class Fence(ABC):
    """One isolation layer around a process.

    ``kind`` is the kernel's short name, ``man`` the page that explains it; ``one_way`` is
    true if the kernel never lets the same process go back, whatever its privileges;
    ``by_fork`` if only a child can be inside.  ``opened_by`` is the fence behind which a
    process without privileges may put it up, ``visible`` whether the kernel shows it, and
    ``inside`` are the fences that it needs around it.
    """

    kind: ClassVar[str]
    man: ClassVar[str]
    inside: ClassVar[tuple[str, ...]] = ()
    one_way: ClassVar[bool] = False
    by_fork: ClassVar[bool] = False
    opened_by: ClassVar[str | None] = None
    visible: ClassVar[bool] = True

    def __init_subclass__(cls, kind: str | None = None, man: str = "") -> None:
        if kind is None:  # a family of fences
            return
        if kind in REGISTRY:
            raise TypeError(f"there are two fences named {kind}")
        if not cls.__doc__:
            raise TypeError(f"the fence {kind} does not say what it hides")
        cls.kind, cls.man = kind, man
        REGISTRY[kind] = cls

    @property
    def needs(self) -> tuple[str, ...]:
        """The fences that this one, with its options, needs around it."""
        return self.inside

    # -- what the kernel shows -----------------------------------------------------------

    @classmethod
    @abstractmethod
    def fact(cls, pid: int | str) -> Hashable | None:
        """Return what the kernel shows of this layer for a process, None if nothing.

        It compares, and prints as what it is.
        """

    @classmethod
    def fenced(cls, mine: Hashable | None, host: Hashable | None) -> bool:
        """Tell, from the facts of a process and of the host, whether it is fenced here."""
        return mine is not None and mine != host

    @classmethod
    def told(cls, fact: Hashable | None, *, beside: Hashable | None) -> str | None:
        """Say a fact in a few words, or what of it differs from the one ``beside``."""
        return None if fact is None else str(fact)

    def shows(self, pid: int | str) -> bool | None:
        """Tell whether the kernel shows this fence around a process; None: it never does."""
        return self.fenced(self.fact(pid), self.fact("self"))

    @classmethod
    def unsupported(cls) -> str | None:
        """Say, in a sentence, why this kernel cannot have it; None if it can."""
        return None

    def permitted(self, status: Status) -> bool:
        """Tell whether a process of this status has the privileges to put it up."""
        return True

    # -- how it goes up ------------------------------------------------------------------

    def gathered(self, status: Status) -> tuple[Self, tuple[str, ...]]:
        """Get ready what it takes from outside, for a process of this status.

        Return it as it is to go up, now and again, and sentences about that.
        """
        return self, ()

    def remarks(self) -> tuple[str, ...]:
        """Say what turned out while it went up."""
        return ()

    def released(self) -> None:  # noqa: B027 - most fences take nothing
        """Let go of what it took from outside; it stands no more."""

    # -- its options ---------------------------------------------------------------------

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return its options, its own before those that its family has."""
        own = inspect.get_annotations(cls)
        fields = sorted(_options(cls), key=lambda each: each.name not in own)
        return tuple(
            Option(
                name=each.name,
                default=each.default if isinstance(each.default, str) else None,
                flag=isinstance(each.default, bool),
                on=each.default is True,
                **each.metadata,
            )
            for each in fields
        )

    @classmethod
    def bare(cls, word: str) -> str | None:
        """Return the option that a word without a key gives, as docker in caps docker."""
        bare = (each for each in cls.options() if each.bare)
        names = (each.name for each in bare if not each.choices or word in each.choices)
        return next(names, None)

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
                    f"fence {cls.kind} has no option {name!r}",
                    did_you_mean(name, known, _listed(known)),
                )
            values[plain] = _value(cls.kind, known[plain], "no" if negated else text)
        return cls(**values)

    def given(self) -> dict[str, str]:
        """Return the options that differ from their defaults, as text."""
        return {
            each.name: str(value) if not isinstance(value, bool) else ("yes" if value else "no")
            for each in _options(self)
            if (value := getattr(self, each.name)) != each.default
        }


def _options(fence: Fence | type[Fence]) -> Iterator[dataclasses.Field[Any]]:
    """Yield the fields that are options: others hold what was found out since."""
    return (each for each in dataclasses.fields(fence) if each.metadata)


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


def listed(kind: str, text: str) -> tuple[str, ...]:
    """Return the words of a list with commas; raise UsageError if there is none."""
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise UsageError(f"fence {kind}: {text!r} names nothing", "as in one,two")
    return words


def _listed(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"it has {names}" if names else "it has none"
