"""The command table: one decorator on one typed function per command.

The annotations give parsing, completion and help; the docstring is the help text: its
first line the summary, the rest the body, whose lines indented by four are examples.  An
annotation that is not known here or a missing docstring is a TypeError at import.

The index knows the commands before their modules are loaded; ``TABLE`` loads the module of a
command when the command is first asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Annotated, cast, get_args, get_origin

from shellplay.cmdline.arguments import Argument, Option, Target
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.index import ALIASES, COMMANDS
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.tokenizer import Grammar
from shellplay.errors import UsageError
from shellplay.model import Value
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground

GROUPS = (
    *("fences", "files", "network", "living", "looking", "containers", "images"),
    *("recipes", "other"),
)
INJECTED = (Playground, Front, Recording)
AS_JSON = Option("show it as JSON, see docs/json.md")
Function = Callable[..., Iterator[Outcome]]

REQUIRED = object()
# The commands whose modules are loaded, by name.
LOADED: dict[str, "Command"] = {}


class Parameter(Value):
    """One parameter of a command function and how a line fills it."""

    name: str
    meaning: Argument | Option | Target | type[object]
    default: object

    @property
    def required(self) -> bool:
        """Tell whether a line must give it."""
        return self.default is REQUIRED and not isinstance(self.meaning, Target)


class Command(Value):
    """One command: its names, its help and its function."""

    name: str
    group: str
    aliases: tuple[str, ...]
    json: bool
    terminal: bool
    parameters: tuple[Parameter, ...]
    function: Function

    @property
    def summary(self) -> str:
        """Return what it does, in one line."""
        return (self.function.__doc__ or "").partition("\n")[0]

    @property
    def body(self) -> str:
        """Return what else there is to know, without the examples."""
        lines = [each for each in self._lines() if not each.startswith(("    ", "Examples:"))]
        return "\n".join(lines).strip()

    @property
    def examples(self) -> tuple[str, ...]:
        """Return lines that one may type."""
        return tuple(each.strip() for each in self._lines() if each.startswith("    "))

    def _lines(self) -> list[str]:
        # Loaded here: who asks for no help needs no help.
        from inspect import cleandoc

        return cleandoc(self.function.__doc__ or "").splitlines()[1:]

    @property
    def arguments(self) -> list[tuple[Parameter, Argument]]:
        """List the parameters that are filled by position."""
        found: list[tuple[Parameter, Argument]] = []
        for parameter in self.parameters:
            if isinstance(parameter.meaning, Argument):
                found.append((parameter, parameter.meaning))
            elif isinstance(parameter.meaning, Target) and parameter.meaning.positional:
                found.append((parameter, parameter.meaning.argument))
        return found

    @property
    def options(self) -> dict[str, tuple[str, Option]]:
        """Map each spelling of an option (``-c``, ``--container``) to parameter and option."""
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

    @property
    def target(self) -> Parameter | None:
        """Return the parameter that takes the container it acts on, if it has one."""
        return next((p for p in self.parameters if isinstance(p.meaning, Target)), None)

    @property
    def is_raw(self) -> bool:
        """Tell whether its words are read by its argument alone, options and all."""
        return any(argument.raw for _, argument in self.arguments)

    @property
    def takes_rest(self) -> bool:
        """Tell whether its last argument is the raw rest of the line."""
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
    """Return the name of a command from its name, an alias or a unique beginning.

    Raises UsageError that names the nearest one.
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
    """Return the command of a name, an alias or a unique beginning of a name.

    Raises UsageError that names the nearest one.
    """
    return TABLE[name_of(word)]


def rest_options(word: str) -> Mapping[str, bool] | None:
    """Give the tokenizer the options before a raw rest and whether each takes a value."""
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
    aliases: tuple[str, ...] = (),
    json: bool = False,
    terminal: bool = False,
) -> Callable[[Function], Function]:
    """Enter a function into the table.

    ``json`` says that what it shows has a JSON shape, ``terminal`` that it needs one.
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
        LOADED[name] = Command(name, group, aliases, json, terminal, parameters, function)
        return function

    return register


# What is loaded only once there is a container; until then a name is enough.
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
        # As typing.get_type_hints does, which takes ten times as long.
        hint = eval(hint, function.__globals__, LATER)
    if hint in INJECTED:
        return cast(type[object], hint)
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Argument | Option | Target):
                return extra
    raise TypeError(f"{function.__qualname__}: parameter {name} has no known annotation")
