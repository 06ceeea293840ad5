"""What a fence is: one isolation layer with its options, and what the kernel shows of it.

A new fence is one new file: a class below one of the families of fences (a ``Namespace``, a
``Restriction`` or a ``Limit``), whose fields are its options.  Help, completion, the
table of fences and the contract tests follow from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from shellplay.errors import UsageError
from shellplay.model import How, Value
from shellplay.nearest import did_you_mean

if TYPE_CHECKING:
    from shellplay.fences.base.target import MadeBy, Stage, Target
    from shellplay.kernel.caller import Caller
    from shellplay.kernel.cgroup.group import Group
    from shellplay.kernel.mountinfo import Mount
    from shellplay.kernel.procfs import Status
    from shellplay.shell.fork_plan import ForkPlan

# The loaded fences by kind; the index has all kinds.
LOADED: dict[str, type[Fence]] = {}
TRUE, FALSE = ("", "yes", "on", "true", "1"), ("no", "off", "false", "0")

# What an option does on the host, in words that begin with a verb, with {} for its value: the
# same for all values, or a text for each beginning of a value.  None: nothing.
OnHost = str | Mapping[str, str] | None


class Option(Value):
    """One option of a fence, as help and completion need it.

    ``host`` says what it does on the host.  A ``flag`` has no value; ``on`` is true if it is
    set by default.  The value of a ``bare`` option can stand without its name, and the name of
    a bare flag without dashes.  ``words`` returns the words of which the value is a list.
    """

    help: str
    host: OnHost
    metavar: str = ""
    choices: tuple[str, ...] = ()
    words: Callable[[], tuple[str, ...]] = tuple
    default: str | bool | None = None
    bare: bool = False
    name: str = ""

    def takes(self, word: str) -> bool:
        """Tell whether a word without a key sets it."""
        if self.flag:
            return self.bare and word == self.name
        return self.bare and (not self.choices or word in self.choices)

    @property
    def flag(self) -> bool:
        """Whether its value is yes or no."""
        return isinstance(self.default, bool)

    @property
    def on(self) -> bool:
        """Whether it is yes by default."""
        return self.default is True


def option(
    help: str,
    *,
    host: OnHost,
    metavar: str = "",
    choices: tuple[str, ...] = (),
    words: Callable[[], tuple[str, ...]] = tuple,
    default: str | bool | None,
    bare: bool = False,
) -> Any:  # noqa: ANN401 - a field takes the type of its annotation
    """Declare a field of a fence as an option; a bool default makes it a flag.

    ``host`` says what the option does on the host; None if it does nothing there.
    """
    return Option(help, host, metavar, choices, words, default, bare)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option,))
class Fence(Value, ABC):
    """One isolation layer around a process: a value whose fields are its options.

    A field without ``option`` is not an option: it holds facts that ``prepared`` has found.

    ``boundary`` is true if what is inside may do, become or see less, so that no code comes
    out of it without a question.

    ``kind`` is the kernel's short name, ``man`` the page that explains it, ``aliases`` are
    the words of Docker, util-linux and CLONE_NEW* flags.  ``one_way`` is true if the
    kernel never lets the same process go back, whatever its privileges; ``by_fork`` if only
    a child can be inside.  ``opened_by`` is the fence behind which a process without
    privileges may apply it, ``visible`` whether the kernel shows it, and ``inside`` are the
    fences that it needs around it.

    A family says when and by which process its fences are applied, ``stage`` and ``made_by``;
    ``how_in_place`` is the way if bash need not fork.  ``in_parked`` is true if a fence has
    to be removed from the bashes that were suspended inside it, too; ``after_user`` if it is
    applied after setresuid(2), which takes capabilities.
    """

    kind: ClassVar[str]
    man: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]]
    inside: ClassVar[tuple[str, ...]] = ()
    one_way: ClassVar[bool] = False
    boundary: ClassVar[bool] = False
    by_fork: ClassVar[bool] = False
    opened_by: ClassVar[str | None] = None
    visible: ClassVar[bool] = True
    stage: ClassVar[Stage]
    made_by: ClassVar[MadeBy]
    how_in_place: ClassVar[How] = How.OUTSIDE
    in_parked: ClassVar[bool] = False
    after_user: ClassVar[bool] = False

    declared: ClassVar[tuple[Option, ...]] = ()
    # A line of shellplay that shows what the fence does.
    trial: ClassVar[str] = "fences"

    def __init_subclass__(
        cls, kind: str | None = None, man: str = "", aliases: tuple[str, ...] = ()
    ) -> None:
        super().__init_subclass__()
        own = {name: each for name, each in cls.defaults.items() if isinstance(each, Option)}
        # The options of the fence come before those of its family.
        cls.declared = (*(each.changed(name=name) for name, each in own.items()), *cls.declared)
        cls.defaults = {**cls.defaults, **{name: each.default for name, each in own.items()}}
        if kind is None:  # a family of fences
            return
        if kind in LOADED:
            raise TypeError(f"there are two fences named {kind}")
        if not cls.__doc__:
            raise TypeError(f"the fence {kind} does not say its effect")
        cls.kind, cls.man, cls.aliases = kind, man, aliases
        LOADED[kind] = cls

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self._check()

    def _check(self) -> None:
        """Raise UsageError if the options do not fit each other."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The fences that this one, with its options, needs around it."""
        return self.inside

    def host_effects(self) -> Iterator[str]:
        """Yield what its options do on the host, in words that begin with a verb."""
        for each in self.options():
            if (value := getattr(self, each.name)) != each.default:
                yield from host_effects(each.host, str(value))

    # -- what the kernel shows -----------------------------------------------------------

    @classmethod
    @abstractmethod
    def fact(cls, pid: int | str) -> Hashable | None:
        """Return what the kernel shows of this layer for a process, None if nothing.

        It can be compared, and its str() is for a person.
        """

    @classmethod
    def fenced(cls, mine: Hashable | None, host: Hashable | None) -> bool:
        """Tell, from the facts of a process and of the host, whether it is fenced here."""
        return mine is not None and mine != host

    @classmethod
    def describe(cls, fact: Hashable | None, *, other: Hashable | None) -> str | None:
        """Say a fact in a few words, or what of it differs from the ``other`` one."""
        return None if fact is None else str(fact)

    def contents(self, pid: int) -> str:
        """Say, for a picture, what a process behind this fence has; "" if nothing tells."""
        return self.describe(self.fact(pid), other=self.fact("self")) or ""

    def observed(self, pid: int | str) -> bool | None:
        """Tell whether the kernel shows this fence around a process; None: it never does."""
        return self.fenced(self.fact(pid), self.fact("self"))

    @classmethod
    def unsupported(cls) -> str | None:
        """Say, in a sentence, why this kernel cannot have it; None if it can."""
        return None

    def permitted(self, status: Status) -> bool:
        """Tell whether a process of this status has the privileges to apply it."""
        return True

    # -- how it is applied ---------------------------------------------------------------

    def prepared(self, status: Status) -> tuple[Self, tuple[str, ...]]:
        """Open and check what it takes of the host, for a process of this status.

        Return the fence to apply, now and after each removal, and sentences about it.
        Raises Refused and UsageError.
        """
        return self, ()

    def removable(self, status: Status) -> bool:
        """Tell whether it could be removed again from a process that does not end by that."""
        return False

    def may_leave(self, status: Status) -> bool:
        """Tell whether a process inside, which has lost no privilege, may leave by itself."""
        return False

    def stays_below_restrictions(self, status: Status) -> bool:
        """Tell whether it has to be applied before the restrictions of a process."""
        return False

    @abstractmethod
    def apply(self, target: Target) -> None:
        """Apply it to a process that it was not applied to; raises KernelError, Refused."""

    def apply_in_place(self, target: Target) -> None:
        """Apply it to a live bash, which is as it was before if that fails half-way."""
        self.apply(target)

    def apply_at_start(self, target: Target, *, peelable: bool) -> None:
        """Apply it to a stub; unless it is ``peelable``, it need not come off again."""
        self.apply(target)

    def apply_to_stub(self, target: Target) -> Caller:
        """Apply it to a stub; return the process that is inside, which may be a child."""
        self.apply(target)
        return target.caller

    def fork_plan(self, target: Target) -> ForkPlan:
        """Say how bash forks so that its copy is inside."""
        # Loaded here: a fence that is only looked at forks nothing.
        from shellplay.shell.fork_plan import ForkPlan

        return ForkPlan(0, lambda copy: self.apply(target.moved_to(copy)))

    def how_at_start(self, pid: int, *, peelable: bool) -> How:
        """Say how it is applied to a stub that becomes a program."""
        return How.RESPAWNED

    def remove(self, target: Target) -> None:
        """Remove it from a process that is inside."""
        raise NotImplementedError(f"{self.kind} is left by waking or starting another bash")

    def clean_up(self, group: Group) -> None:
        """Remove what was made for it, after its bash has ended."""

    def remarks(self) -> tuple[str, ...]:
        """Say what was found while it was applied."""
        return ()

    def keep_files_only(self) -> bool:
        """Close what nobody needs who is not inside; return whether it has files to keep."""
        return False

    def release(self) -> None:
        """Close what was opened for it; it is not applied any more."""

    # -- its mounts ----------------------------------------------------------------------

    @property
    def mount_points(self) -> tuple[str, ...]:
        """Return the paths at which it has mounted."""
        return ()

    def owns(self, mount: Mount) -> bool:
        """Tell whether the fence has a hole without a mount."""
        return False

    # -- its options ---------------------------------------------------------------------

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return its options; those of its family come last."""
        return cls.declared

    @classmethod
    def bare(cls, word: str) -> str | None:
        """Return the option that a word without a key sets, as in ``caps docker``."""
        return next((each.name for each in cls.options() if each.takes(word)), None)

    @classmethod
    def parse(cls, options: dict[str, str]) -> Self:
        """Make the fence from option names and texts; UsageError with the nearest name."""
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
            for each in self.options()
            if (value := getattr(self, each.name)) != each.default
        }


def host_effects(host: OnHost, value: str) -> Iterator[str]:
    """Yield what an option does on the host with a value, in words that begin with a verb."""
    texts = {"": host} if isinstance(host, str) else host or {}
    for beginning, text in texts.items():
        if value.startswith(beginning):
            yield text.format(value)


def _value(kind: str, known: Option, text: str) -> str | bool:
    if known.flag:
        if known.takes(text):
            return True
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
