"""The command table: one decorator on one typed function per command.

The annotations give parsing, completion and help; the docstring is the help text: its
first line the summary, the rest the body, whose lines indented by four are examples.  An
annotation that is not known here or a missing docstring is a TypeError at import.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, NamedTuple, cast, get_args, get_origin, get_type_hints

from shellplay.cmdline.arguments import Argument, Option, Target
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.tokenizer import Grammar
from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground

GROUPS = (
    *("fences", "files", "network", "living", "looking", "containers", "images"),
    *("recipes", "other"),
)
INJECTED = (Playground, Front, Recording)
AS_JSON = Option("show it as JSON, see docs/json.md")
Function = Callable[..., Iterator[Outcome]]

TABLE: dict[str, "Command"] = {}
ALIASES: dict[str, str] = {}


class Parameter(NamedTuple):
    """One parameter of a command function and how a line fills it."""

    name: str
    meaning: Argument | Option | Target | type[object]
    default: object

    @property
    def required(self) -> bool:
        """Tell whether a line must give it."""
        needed = self.default is inspect.Parameter.empty
        return needed and not isinstance(self.meaning, Target)


class Command(NamedTuple):
    """One command: its names, its help and its function."""

    name: str
    group: str
    aliases: tuple[str, ...]
    summary: str
    body: str
    examples: tuple[str, ...]
    json: bool
    terminal: bool
    parameters: tuple[Parameter, ...]
    function: Function

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


def find(word: str) -> Command:
    """Return the command of a name, an alias or a unique beginning of a name.

    Raises UsageError that names the nearest one.
    """
    if word in TABLE or word in ALIASES:
        return TABLE[ALIASES.get(word, word)]
    begun = [name for name in TABLE if len(word) > 1 and name.startswith(word)]
    if len(begun) == 1:
        return TABLE[begun[0]]
    if begun:
        raise UsageError(f"{quoted(word)} can be {', '.join(sorted(begun))}", "type more of it")
    fix = did_you_mean(word, [*TABLE, *ALIASES], "help lists the commands")
    raise UsageError(f"unknown command {quoted(word)}", fix)


def rest_options(word: str) -> dict[str, bool] | None:
    """Give the tokenizer the options before a raw rest and whether each takes a value."""
    try:
        command = find(word)
    except UsageError:
        return None
    if not command.takes_rest:
        return None
    return {name: option.argument is not None for name, (_, option) in command.options.items()}


GRAMMAR = Grammar(rest_options=rest_options, is_command=TABLE.__contains__)


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
        summary, body, examples = _help(function)
        if group not in GROUPS:
            raise TypeError(f"command {name}: there is no group {group}")
        for word in (name, *aliases):
            if word in TABLE or word in ALIASES:
                raise TypeError(f"command {name}: {word} is taken")
        parameters = tuple(_parameters(function))
        TABLE[name] = Command(
            name, group, aliases, summary, body, examples, json, terminal, parameters, function
        )
        ALIASES.update(dict.fromkeys(aliases, name))
        return function

    return register


def _help(function: Function) -> tuple[str, str, tuple[str, ...]]:
    text = inspect.getdoc(function)
    if not text:
        raise TypeError(f"{function.__qualname__} has no docstring, so no help")
    summary, _, body = text.partition("\n")
    lines = body.strip("\n").splitlines()
    examples = tuple(line.strip() for line in lines if line.startswith("    "))
    if not examples:
        raise TypeError(f"{function.__qualname__} shows no example in its docstring")
    prose = "\n".join(line for line in lines if not line.startswith(("    ", "Examples:")))
    return summary, prose.strip(), examples


# What is loaded only once there is a container; until then a name is enough.
LATER = {"Container": object, "Fence": object}


def _parameters(function: Function) -> Iterator[Parameter]:
    hints = get_type_hints(function, localns=LATER, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        yield Parameter(name, _meaning(function, name, hints.get(name)), parameter.default)


def _meaning(
    function: Function, name: str, hint: object
) -> Argument | Option | Target | type[object]:
    if hint in INJECTED:
        return cast(type[object], hint)
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Argument | Option | Target):
                return extra
    raise TypeError(f"{function.__qualname__}: parameter {name} has no known annotation")
