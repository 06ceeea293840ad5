"""The text of the prompt: the current container, and the fences that are up around it."""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.errors import ShellplayError
from shellplay.playground.playground import Playground
from shellplay.views import text_width

NO_CONTAINER = "shellplay"
# In cells, so that a line of 80 columns has room for a command.
LONGEST, LONGEST_NAME = 30, 20


def text(playground: Playground) -> str:
    """Return the prompt, as in ``web[pid mnt]> ``."""
    name, fences = parts(playground)
    return f"{name}{fences}> "


def parts(playground: Playground) -> tuple[str, str]:
    """Return the name of the current container, and its fences in brackets, or ""."""
    container = playground.current
    if container is None:
        return NO_CONTAINER, ""
    # Loaded here: before the first container there are no fences.
    from shellplay.container import facts

    name = text_width.fit(container.label, LONGEST_NAME)
    try:
        kinds = container.fenced_kinds(facts.host_facts())
    except ShellplayError:
        # The next command tells this error, and has a container to name.
        return name, ""
    # The first one that went up comes first; what no fence here has made comes last.
    order = list(reversed(container.way_back.kinds))
    kinds.sort(key=lambda kind: order.index(kind) if kind in order else len(order))
    return name, bracketed(kinds, LONGEST - text_width.width(name) - 2)


def bracketed(kinds: Sequence[str], room: int) -> str:
    """Return fences in brackets, in at most ``room`` cells if that is enough for one."""
    if not kinds:
        return ""
    whole = f"[{' '.join(kinds)}]"
    if len(whole) <= room:
        return whole
    from shellplay.fences import docker

    preset = docker.preset()
    if set(preset) <= set(kinds):
        more = len(kinds) - len(preset)
        return f"[docker +{more}]" if more else "[docker]"
    shown = len(kinds) - 1
    while shown > 1 and len(_cut(kinds, shown)) > room:
        shown -= 1
    return _cut(kinds, shown)


def _cut(kinds: Sequence[str], shown: int) -> str:
    return f"[{' '.join(kinds[:shown])} +{len(kinds) - shown}]"
