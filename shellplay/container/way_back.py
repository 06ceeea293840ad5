"""What comes out when a fence is peeled: the whole state, or data where it is a boundary."""

from __future__ import annotations

from shellplay.container.stack import ShellStack
from shellplay.container.state import ContainerState
from shellplay.errors import Refused
from shellplay.kernel import mountinfo
from shellplay.kernel.signals import deferred
from shellplay.model import Value
from shellplay.shell.shell import Shell
from shellplay.shell.state import Item, State, Transferred


class Directory(Value):
    """The working directory of a bash: its path, and its device and path there."""

    path: str
    location: tuple[str, str] | None

    @classmethod
    def of(cls, shell: Shell) -> Directory:
        """Return the working directory of a bash; raises ShellGone if it has ended."""
        path = shell.cwd
        return cls(path, mountinfo.location(shell.pid, path))

    def is_the_same_for(self, shell: Shell) -> bool:
        """Tell whether the path leads another bash to the same directory."""
        there = mountinfo.location(shell.pid, self.path)
        return there is not None and there == self.location


class WayBack:
    """The way of a state from a bash behind a fence to the live bash, which is outside."""

    def __init__(self, state: ContainerState, stack: ShellStack) -> None:
        self._container = state
        self._stack = stack
        self._withheld: tuple[Item, ...] = ()
        self._state: State | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the fences, in the order in which all can be peeled."""
        return tuple(reversed(self._stack.applied.kinds))

    def transfer(self, state: State, directory: Directory, *, code: bool) -> Transferred:
        """Bring the live bash into a state, without ``code`` into what is data of it."""
        self.forget()
        if code:
            return self._stack.transfer(state)
        # Loaded here: most fences come off without a transfer.
        from shellplay.shell.state_data import transfer_data

        live = self._stack.live
        moved = directory.path != live.cwd
        # The name of a directory is shown by the prompt of a bash that is trusted.
        reached = directory.path.isprintable() and directory.is_the_same_for(live)
        go = directory.path if moved and reached else None
        found = transfer_data(self._stack.ask, state, self._stack.dump(), go)
        self._withheld, self._state = found.withheld, state
        if moved and not reached:
            found = found.changed(failed=(*found.failed, "working directory"))
        return found

    def carry_code(self) -> Transferred:
        """Bring what the last transfer has withheld into the live bash.

        Raises Refused if nothing was, or if bash is not idle.
        """
        from shellplay.shell.state_transfer import restore

        with deferred(), self._container.attended():
            self._container.require_idle()
            if self._state is None or not self._withheld:
                raise Refused("the last peel has left no code behind")
            with self._stack.keys_wait():
                found = restore(self._stack.ask, self._withheld, self._state)
            self.forget()
            return found

    @property
    def code(self) -> tuple[str, ...]:
        """The scripts that ``carry_code`` would run in the live bash."""
        return tuple(item.make for item in self._withheld)

    def forget(self) -> None:
        """Forget what was withheld."""
        self._withheld, self._state = (), None
