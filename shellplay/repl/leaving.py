"""The losses when the session ends now: fences and jobs of containers."""

from __future__ import annotations

from shellplay.errors import ShellplayError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.playground.playground import Playground


def losses(playground: Playground) -> str:
    """Return the fenced and busy containers in one sentence, "" if there are none."""
    found = [*filter(None, map(_of, playground.containers))]
    return f"leaving ends {', '.join(found)}" if found else ""


def _of(container: Container) -> str:
    try:
        fences = [record.fence for record in container.fences() if record.up]
        jobs = [each for each in container.jobs() if each.state != "Z"]
    except ShellplayError:
        # The container has ended already.
        return ""
    told = [" ".join(fences)] if fences else []
    if jobs:
        told.append(f"{len(jobs)} job{'s' if len(jobs) > 1 else ''}")
    return f"{container.label} ({', '.join(told)})" if told else ""
