"""The registry of the commands: ``@command`` on a typed function makes it a command.

Its annotations define parsing, completion and help.  Its docstring is the help text: the first
line is the summary, lines that are indented by four are examples.  Without a docstring, or with
an unknown annotation, the import raises TypeError.

The index has the names of all commands; ``TABLE`` loads the module of a command on first use.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Annotated, cast, get_args, get_origin

from shellplay.cmdline.arguments import Argument, Option, Target
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.index import ALIASES, COMMANDS
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.tokenizer import Grammar, Segment
from shellplay.errors import UsageError
from shellplay.model import Value
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground

GROUPS = (
    *("fences", "files", "network", "living", "looking", "containers", "images"),
    *("recipes", "other"),
)
# Other programs, whose lines are translated by cmdline.dialects.
DIALECTS = frozenset({"docker", "podman", "unshare", "nsenter"})
INJECTED = (Playground, Front, Recording)
AS_JSON = Option("show it as JSON, see docs/json.md")
Function = Callable[..., Iterator[Outcome]]
# What a command does on the host, in words: never anything, always the same, or what the words
# after its name say.
OnHost = str | Callable[[Sequence[str]], Iterable[str]] | None

REQUIRED = object()
# The commands whose modules are loaded, by name.
LOADED: dict[str, "Command"] = {}


class Parameter(Value):
    """One parameter of a command function, and the argument type that fills it."""

    name: str
    meaning: Argument | Option | Target | type[object]
    default: object

    @property
    def required(self) -> bool:
        """Return whether a line has to give it."""
        return self.default is REQUIRED and not isinstance(self.meaning, Target)


class Command(Value):
    """One command: its names, its parameters and its function.

    ``host`` says what it does on the host; ``inside`` is true if it runs programs inside,
    ``alone`` if ``shellplay NAME`` runs it, without a session.
    """

    name: str
    group: str
    host: OnHost
    inside: bool
    aliases: tuple[str, ...]
    json: bool
    terminal: bool
    alone: bool
    parameters: tuple[Parameter, ...]
    function: Function

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (self.function.__doc__ or "").partition("\n")[0]

    @property
    def body(self) -> str:
        """The docstring without the summary and the examples."""
        lines = [each for each in self._lines() if not each.startswith(("    ", "Examples:"))]
        return "\n".join(lines).strip()

    @property
    def examples(self) -> tuple[str, ...]:
        """The command lines in the docstring."""
        return tuple(each.strip() for each in self._lines() if each.startswith("    "))

    def _lines(self) -> list[str]:
        # Loaded here: only help reads the body.
        from inspect import cleandoc

        return cleandoc(self.function.__doc__ or "").splitlines()[1:]

    @property
    def arguments(self) -> list[tuple[Parameter, Argument]]:
        """The parameters that are filled by position."""
        found: list[tuple[Parameter, Argument]] = []
        for parameter in self.parameters:
            if isinstance(parameter.meaning, Argument):
                found.append((parameter, parameter.meaning))
            elif isinstance(parameter.meaning, Target) and parameter.meaning.positional:
                found.append((parameter, parameter.meaning.argument))
        return found

    @property
    def options(self) -> dict[str, tuple[str, Option]]:
        """The options by spelling, as ``-c`` and ``--container``, with their parameters."""
        found: dict[str, tuple[str, Option]] = {}
        for parameter in self.parameters:
            if isinstance(parameter.meaning, Option):
                for spelling in parameter.meaning.spellings(parameter.name):
                    found[spelling] = (parameter.name, parameter.meaning)
            elif isinstance(parameter.meaning, Target):
                for spelling in ("-c", "--container"):
                    found[spelling] = (parameter.name, parameter.meaning.option)
        if self.json:
            found["--json"] = ("json", AS_JSON)
        return found

    def host_effects(self, segment: Segment) -> tuple[str, ...]:
        """Return what a segment with this command does on the host, () for nothing.

        Raises UsageError for words that say nothing it knows.
        """
        if not callable(self.host):
            return () if self.host is None else (self.host,)
        words = [each.text for each in segment.words[1:]]
        if self.target is not None and not self.is_raw:
            words = list(_without_target(words))
        return tuple(self.host(words))

    @property
    def target(self) -> Parameter | None:
        """The parameter for the container that it acts on; None if it has none."""
        return next((p for p in self.parameters if isinstance(p.meaning, Target)), None)

    @property
    def is_raw(self) -> bool:
        """Return whether its argument parses all words, with the options among them."""
        return any(argument.raw for _, argument in self.arguments)

    @property
    def takes_rest(self) -> bool:
        """Return whether its last argument is a raw tail."""
        return any(argument.arity == "rest" for _, argument in self.arguments)


class Table(Mapping[str, Command]):
    """All commands by name, in the order of the index."""

    def __getitem__(self, name: str) -> Command:
        if name not in LOADED:
            import_module(f"shellplay.commands.{COMMANDS[name].module}")
        return LOADED[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


TABLE = Table()


def name_of(word: str) -> str:
    """Return the name of a command for its name, an alias or a unique prefix.

    Raises UsageError with the nearest name.
    """
    name = ALIASES.get(word, word)
    if name in COMMANDS or name in LOADED:
        return name
    begun = [name for name in COMMANDS if len(word) > 1 and name.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise UsageError(f"{quoted(word)} can be {', '.join(sorted(begun))}", "type more of it")
    fix = did_you_mean(word, [*COMMANDS, *ALIASES], "help lists the commands")
    raise UsageError(f"unknown command {quoted(word)}", fix)


def find(word: str) -> Command:
    """Return the command for its name, an alias or a unique prefix.

    Raises UsageError with the nearest name.
    """
    return TABLE[name_of(word)]


def rest_options(word: str) -> Mapping[str, bool] | None:
    """Return the options before the raw tail of a command; None if it has no raw tail."""
    try:
        entry = COMMANDS.get(name_of(word))
    except UsageError:
        return None
    return entry.rest if entry else None


GRAMMAR = Grammar(rest_options=rest_options, is_command=COMMANDS.__contains__)


def command(
    name: str,
    *,
    group: str,
    host: OnHost,
    inside: bool = False,
    aliases: tuple[str, ...] = (),
    json: bool = False,
    terminal: bool = False,
    alone: bool = False,
) -> Callable[[Function], Function]:
    """Register a function as a command.

    ``host`` says what it does on the host, in words that begin with a verb, None for nothing:
    the user reads them before a recipe of a stranger runs.  ``inside``: it runs programs in a
    container.  ``json``: its document has a JSON form.  ``terminal``: it needs a terminal.
    ``alone``: ``shellplay NAME`` runs it, too, as it needs no container of a session.
    """

    def register(function: Function) -> Function:
        if not function.__doc__:
            raise TypeError(f"{function.__qualname__} has no docstring, so no help")
        if "Examples:\n" not in function.__doc__:
            raise TypeError(f"{function.__qualname__} shows no example in its docstring")
        if group not in GROUPS:
            raise TypeError(f"command {name}: there is no group {group}")
        taken = {*LOADED, *(alias for one in LOADED.values() for alias in one.aliases)}
        for word in (name, *aliases):
            if word in taken:
                raise TypeError(f"command {name}: {word} is taken")
        parameters = tuple(_parameters(function))
        LOADED[name] = Command(
            name, group, host, inside, aliases, json, terminal, alone, parameters, function
        )
        return function

    return register


def _without_target(words: Sequence[str]) -> Iterator[str]:
    pending = iter(words)
    for word in pending:
        if word in ("-c", "--container"):
            next(pending, None)
        elif not word.startswith("--container="):
            yield word


# Classes that annotations name and that are loaded with the first container.
LATER = {"Container": object, "Fence": object}


def _parameters(function: Function) -> Iterator[Parameter]:
    defaults = _defaults(function)
    for name, hint in function.__annotations__.items():
        if name != "return":
            yield Parameter(name, _meaning(function, name, hint), defaults.get(name, REQUIRED))


def _defaults(function: Function) -> dict[str, object]:
    by_position = function.__code__.co_varnames[: function.__code__.co_argcount]
    given = function.__defaults__ or ()
    first = len(by_position) - len(given)
    defaults = dict(zip(by_position[first:], given, strict=True))
    return {**defaults, **(function.__kwdefaults__ or {})}


def _meaning(
    function: Function, name: str, hint: object
) -> Argument | Option | Target | type[object]:
    if isinstance(hint, str):
        # typing.get_type_hints does the same in ten times the time.
        hint = eval(hint, function.__globals__, LATER)
    if hint in INJECTED:
        return cast(type[object], hint)
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Argument | Option | Target):
                return extra
    raise TypeError(f"{function.__qualname__}: parameter {name} has no known annotation")
