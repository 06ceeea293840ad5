"""set, help, version, !, quit: settings, help, commands of the host, and the end."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

from shellplay import __version__
from shellplay.cmdline.argument_types.fences import kind_of
from shellplay.cmdline.arguments import Argument, Candidate, Option, Rest, Word
from shellplay.cmdline.front_end import Front
from shellplay.cmdline.help import columns, everyday, fence_page, overview, page
from shellplay.cmdline.index import ALIASES, COMMANDS
from shellplay.cmdline.outcomes import Leave, Outcome, Page, Status, Text
from shellplay.cmdline.phrases import count
from shellplay.cmdline.registry import command, find
from shellplay.cmdline.setting_types import SETTINGS, change, shown
from shellplay.cmdline.topics import TOPICS
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground
from shellplay.settings import Settings


class Topic(Argument):
    """A command, a fence, or one of the topics."""

    def parse(self, words: Sequence[str], playground: Playground) -> str:
        """Return the word; the command looks it up."""
        return words[0]

    def takes(self, word: str) -> bool:
        """Return True: any word can be a topic."""
        return True

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the commands."""
        for name, one in COMMANDS.items():
            yield Candidate(name, one.summary)
        for topic, (summary, _) in TOPICS.items():
            yield Candidate(topic, summary)


class SettingName(Word):
    """The name of a setting."""

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the settings."""
        return (Candidate(name, one.help) for name, one in SETTINGS.items())


class SettingValue(Word):
    """The value of the setting before it."""

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the values of the setting before the word."""
        setting = SETTINGS.get(before[-1]) if before else None
        return (
            (Candidate(choice, setting.help) for choice in setting.choices)
            if setting
            else iter(())
        )


def _on_host(words: Sequence[str]) -> Iterator[str]:
    # New bashes run that file before they have any fence.
    if words[:1] == ["bashrc"] and words[1:] != ["off"]:
        yield "lets each new bash run ~/.bashrc"


@command("set", group="other", host=_on_host, alone=True)
def set_(
    playground: Playground,
    name: Annotated[str | None, SettingName("NAME", "the setting")] = None,
    value: Annotated[str | None, SettingValue("VALUE", "its new value")] = None,
) -> Iterator[Outcome]:
    """Show the settings with their defaults, or change one.

    They start as config.toml under XDG_CONFIG_HOME/shellplay says.

    Examples:
        set
        set live off
        set detach_key C-t
    """
    if name is not None and value is not None:
        change(playground.settings, name, value)
    names = list(SETTINGS) if name is None else [name]
    if name is not None and value is None and name not in SETTINGS:
        change(playground.settings, name, "")
    usual = Settings()
    table = [("SETTING", "VALUE", "DEFAULT", "MEANING")] + [
        (one, shown(playground.settings, one), shown(usual, one), SETTINGS[one].help)
        for one in names
    ]
    wide = [max(len(row[column]) for row in table) for column in range(3)]
    rows = [
        ("  ".join(f"{cell:<{room}}" for cell, room in zip(row[:3], wide, strict=True)), row[3])
        for row in table
    ]
    yield Page(lambda columns_wide: "\n".join(columns(rows, columns_wide)))


@command("help", group="other", host=None, aliases=("?", "man"), alone=True)
def help_(
    topic: Annotated[
        str | None, Topic("TOPIC", "a command, a fence, keys, docker or parked")
    ] = None,
    kind: Annotated[str | None, Topic("KIND", "a fence, if the topic is fence")] = None,
    *,
    all_: Annotated[bool, Option("list every command", short="-a")] = False,
) -> Iterator[Outcome]:
    """List the everyday commands, or explain a command, a fence, or the keys.

    Examples:
        help
        help -a
        help fence
        help uts
        help keys
        help docker
        help parked
    """
    if topic == "fence" and kind is not None:
        topic = kind
    elif kind is not None:
        raise UsageError(f"help takes one topic, not {topic} {kind}", f"help {topic}")
    if topic is None:
        yield Page(overview if all_ else everyday)
    elif topic in TOPICS:
        yield Page(TOPICS[topic][1])
    elif topic not in COMMANDS and topic not in ALIASES and (kind := kind_of(topic)):
        yield Page(fence_page(kind))
    else:
        yield Page(page(find(topic)))


@command("version", group="other", host=None, alone=True)
def version() -> Iterator[Outcome]:
    """Show the versions of shellplay, Python and the kernel.

    Examples:
        version
    """
    python = ".".join(map(str, sys.version_info[:3]))
    yield Text(f"shellplay {__version__}, Python {python}, Linux {os.uname().release}")


@command("!", group="other", host="runs a line outside every fence")
def host(
    playground: Playground,
    front: Front,
    line: Annotated[str, Rest("CMD", "a line for the host's sh")],
) -> Iterator[Outcome]:
    """Run a line on the host, outside every fence.

    Examples:
        !uname -r
        !ps -ef | wc -l
    """
    if playground.settings.surroundings.output is not None:
        yield Status(playground.host(line))
        return
    import subprocess

    from shellplay.kernel.rlimits import with_original_nofile

    stdin = None if front.terminal else subprocess.DEVNULL
    # Ctrl-C is for the command.  execve(2) keeps an ignored signal, and resets a handler.
    # Ctrl-Z is ignored by both: there is no job control that could continue the command.
    interrupt = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    suspend = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        words = with_original_nofile(["/bin/sh", "-c", os.fsencode(line)])
        status = subprocess.run(words, stdin=stdin).returncode
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTSTP, suspend)
    yield Status(status if status >= 0 else 128 - status)


@command("quit", group="other", host=None, aliases=("exit",))
def quit_(playground: Playground) -> Iterator[Outcome]:
    """End every container and leave; nothing stays behind.

    Examples:
        quit
    """
    for container in list(playground.containers):
        yield f"{container.label}: stopped, {count(playground.stop(container))} ended"
    yield Leave()
