"""Start a container behind all of its fences: a stub goes through them, and becomes the program.

It is the order of runc: namespaces, files, limits, and what takes privileges away last.
"""

from __future__ import annotations

import dataclasses
import errno
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

from shellplay import put
from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.fences import Fence, Limit, Mounted, Namespace, Restriction
from shellplay.fences.caps import Caps
from shellplay.fences.namespace import Joined, joined
from shellplay.kernel import credentials, mounting, procfs
from shellplay.kernel.reasons import explained
from shellplay.kernel.stub import Stub
from shellplay.program import Program, Start
from shellplay.shell import account
from shellplay.shell.shell import Shell
from shellplay.shell.start import start_bash, take_terminal
from shellplay.shell.streams import Streams
from shellplay.stack import way_on
from shellplay.standing import Standing, StandingFences
from shellplay.volumes import mount_volumes

if TYPE_CHECKING:
    from shellplay.container import Container

UMASK = 0o022


class NotStarted(Refused):
    """The program cannot be executed: 127 if it is not there, else 126, as a shell says."""

    def __init__(self, error: KernelError, program: Program) -> None:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        self.exit_status = 127 if missing else 126
        name = program.argv[0]
        if missing:
            path = program.environment.get("PATH", "")
            where = "there" if "/" in name else f"in the PATH inside, {path}"
            super().__init__(f"{name} is not {where}", "the program comes behind the image")
        else:
            super().__init__(f"{name} cannot be executed: {error.message}")


def begin(box: Container, standing: StandingFences, start: Start) -> Shell:
    """Start the program of a container behind its fences; raises what refuses one of them.

    If it fails nothing of it is left, but for what the fences hold: ``standing`` has that.
    """
    with ExitStack() as undo:
        return _Beginning(box, standing, start, undo).shell()


class _Beginning:
    """One start, with the stub that goes through it."""

    def __init__(
        self, box: Container, standing: StandingFences, start: Start, undo: ExitStack
    ) -> None:
        self._box = box
        self._standing = standing
        self._program = start.program
        self._told = start.told
        self._undo = undo
        self._stub = box.guardian.stub()
        undo.callback(lambda: self._stub.quit())
        self._fences = [self._gathered(each) for each in start.fences]

    def shell(self) -> Shell:
        """Go through all of it, and return the first process."""
        mounting.umask(self._stub, UMASK)
        for fence in self._of(Namespace):
            self._enter(fence)
        self._furnish()
        for fence in self._of(Limit):
            self._up(fence, lambda fence: fence.put_up(self._stub.pid, self._box.group))
        self._go_to_its_directory()
        self._give_up()
        self._require_shown()
        shell = self._execute()
        self._undo.pop_all()
        return shell

    def _of[T: Fence](self, family: type[T]) -> list[T]:
        return [each for each in self._fences if isinstance(each, family)]
