"""What a container runs from its start, behind all of its fences, instead of a bare bash."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from shellplay.fences import Fence
from shellplay.model import Value

if TYPE_CHECKING:
    from pathlib import Path

Report = Callable[[str, str], None]


class VolumeSpec(Value):
    """What is mounted at ``target``: a file or directory of the host, or a tmpfs if None.

    A ``device`` may be opened; ``allowed`` is what a tmpfs otherwise forbids: exec, suid.
    """

    source: Path | None
    target: str
    read_only: bool = False
    options: str = ""
    device: bool = False
    allowed: tuple[str, ...] = ()


class ProcessSpec(Value):
    """A program with what is around it; it becomes number 1 behind a pid fence.

    ``user`` is as for ``docker run -u``.  With ``terminal`` it gets one, otherwise its output
    goes to pipes; with ``keys`` what is typed goes to it.  ``directory`` is made if it is not
    there.  ``init`` puts a process before it that reaps what it leaves behind.  A bash that
    can be lived in reads ~/.bashrc if it ``reads_bashrc``.  If it is to be ``attended``
    somebody waits for what it prints.  With ``forgotten`` its container goes with it.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = MappingProxyType({})
    directory: str = "/"
    user: str = ""
    terminal: bool = False
    keys: bool = False
    init: bool = False
    reads_bashrc: bool = False
    attended: bool = False
    forgotten: bool = False
    volumes: tuple[VolumeSpec, ...] = ()
    stop_signal: str = "TERM"

    @property
    def is_bash(self) -> bool:
        """Whether it is a bash that can be lived in: interactive, on a terminal."""
        name = os.path.basename(self.argv[0])
        return self.terminal and not self.init and name == "bash" and len(self.argv) == 1

    @property
    def name(self) -> str:
        """The program as a user calls it."""
        return " ".join(self.argv)


def new_id() -> str:
    """Return the id of a new container, as long as Docker shows them."""
    return os.urandom(6).hex()


class StartSpec(Value):
    """How a container starts: what it runs, behind which fences; ``report`` hears of each.

    Its ``id`` is known before it is there: it may be the host name.  ``ports`` are published
    before the program begins, so that it never runs if one is taken.
    """

    id: str
    process: ProcessSpec
    fences: tuple[Fence, ...]
    report: Report
    ports: tuple[str, ...] = ()
