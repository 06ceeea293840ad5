"""The types of the settings: each has a help text, a parser and choices."""

from collections.abc import Callable, Mapping

from shellplay.errors import UsageError
from shellplay.model import Value
from shellplay.nearest import did_you_mean, quoted
from shellplay.settings import Settings

SWITCH = {"on": True, "true": True, "yes": True, "1": True}
SWITCH |= {"off": False, "false": False, "no": False, "0": False}


class Setting(Value):
    """One setting: its help text, its parser and the words for completion."""

    help: str
    read: Callable[[str], object]
    choices: tuple[str, ...] = ()


def read_switch(word: str) -> bool:
    """Parse ``on`` or ``off``; raises UsageError."""
    if word.lower() not in SWITCH:
        raise UsageError(f"{quoted(word)} is neither on nor off", "write on or off")
    return SWITCH[word.lower()]


def read_seconds(word: str) -> float | None:
    """Parse a number of seconds, or ``none``; raises UsageError."""
    if word == "none":
        return None
    try:
        seconds = float(word.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise UsageError(
            f"{quoted(word)} is not a time span", "write seconds, as in 5, or none"
        )
    return seconds


def read_key(word: str) -> str:
    """Parse a control key like ``C-]`` or ``ctrl-]``; raises UsageError."""
    key = word.lower().removeprefix("ctrl-").removeprefix("c-").removeprefix("^")
    if len(key) != 1 or not ("a" <= key <= "z" or key in "@[\\]^_"):
        raise UsageError(f"{quoted(word)} is not a control key", "as in C-] or C-t")
    return f"C-{key}"


def read_editing_mode(word: str) -> str:
    """Parse the name of an editing mode, as bash has them; raises UsageError."""
    if word not in EDITING_MODES:
        raise UsageError(
            f"{quoted(word)} is not an editing mode", f"write {' or '.join(EDITING_MODES)}"
        )
    return word


EDITING_MODES = ("emacs", "vi")
ON_OFF = ("on", "off")
SETTINGS: dict[str, Setting] = {
    "live": Setting("fence the running bash by ptrace, not a new one", read_switch, ON_OFF),
    "bashrc": Setting("new bashes read ~/.bashrc", read_switch, ON_OFF),
    "detach_key": Setting("the key that leaves enter", read_key, ("C-]", "C-t")),
    "bar": Setting("a bar in the last row says where enter is", read_switch, ON_OFF),
    "timeout": Setting("seconds that in waits, or none", read_seconds, ("none", "5", "60")),
    "confirm_exit": Setting("ask before fences and jobs are lost", read_switch, ON_OFF),
    "editing_mode": Setting("the keys of the prompt", read_editing_mode, EDITING_MODES),
    "trace": Setting("show the system calls of every command", read_switch, ON_OFF),
}


def change(settings: Settings, name: str, word: str) -> None:
    """Set one setting from a word; raises UsageError, and changes nothing then."""
    if name not in SETTINGS:
        fix = did_you_mean(name, SETTINGS, f"there are {', '.join(SETTINGS)}")
        raise UsageError(f"unknown setting {quoted(name)}", fix)
    setattr(settings, name, SETTINGS[name].read(word))


def shown(settings: Settings, name: str) -> str:
    """Return the current value of a setting as the word that sets it."""
    value = getattr(settings, name)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def change_all(settings: Settings, table: Mapping[str, object]) -> None:
    """Set the settings of a configuration file; raises UsageError for the first wrong one."""
    for name, value in table.items():
        word = ("on" if value else "off") if isinstance(value, bool) else str(value)
        change(settings, name, word)
