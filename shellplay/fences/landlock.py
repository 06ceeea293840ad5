"""The landlock fence: which files and ports are left, see landlock(7)."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Self

from shellplay.errors import KernelError, Refused, UsageError
from shellplay.fences.base.fence import listed, option
from shellplay.fences.base.restriction import Restriction
from shellplay.kernel import landlock
from shellplay.kernel.capabilities import has
from shellplay.kernel.landlock import EXECUTE, READ, WRITE, Files, Ports
from shellplay.kernel.procfs import Status

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target
    from shellplay.kernel.caller import Caller

NONE = "none"
LARGEST_PORT = 65535
PORT = "[0-9]{1,5}"
PATHS, PORTS = f"PATH,...|{NONE}", f"PORT,...|{NONE}"
# Almost every program needs these devices, and none of them leads to a file.
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/urandom")


class Landlock(Restriction, kind="landlock", man="landlock(7)"):
    """Limits files and TCP ports: what is not listed is denied.

    Each option is about one thing: ``write=/tmp`` denies changes to files outside of /tmp,
    and does not limit reading.  ``none`` means no path or port at all.  A path is what bash
    sees when the fence goes up.  An open file stays open, and /dev/null and the like stay
    usable.  Behind a limit on files, nothing can be mounted.  TCP ports need Linux 6.7.
    """

    trial = "in touch /etc/new"

    opened_by = "nnp"
    visible = False

    read: str | None = option(
        "read only below these paths", host=None, metavar=PATHS, default=None
    )
    write: str | None = option(
        "change, make and remove files only below these paths",
        host=None,
        metavar=PATHS,
        default=None,
    )
    exec: str | None = option(
        "execute only programs below these paths", host=None, metavar=PATHS, default=None
    )
    connect: str | None = option(
        "connect only to these TCP ports", host=None, metavar=PORTS, default=None
    )
    bind: str | None = option(
        "listen only on these TCP ports", host=None, metavar=PORTS, default=None
    )

    def _check(self) -> None:
        if not self._files() and not self._ports():
            raise UsageError("fence landlock: say what is left", "as in write=/tmp")

    def contents(self, pid: int) -> str:
        """Say what is left, as it was asked for: the kernel does not show it."""
        return ", ".join(f"{name} {text}" for name, text in self.given().items())

    @classmethod
    def fact(cls, pid: int | str) -> None:
        """Return None: the kernel does not show the rules of a process."""

    def observed(self, pid: int | str) -> None:
        """Return None: the kernel never shows it."""

    @classmethod
    def unsupported(cls) -> str | None:
        """Say why this kernel cannot have it."""
        if landlock.abi():
            return None
        return "this kernel has no Landlock: it is not built in, or not in lsm= at boot"

    def permitted(self, status: Status) -> bool:
        """Return whether a process may restrict itself: with no_new_privs or CAP_SYS_ADMIN."""
        return status.no_new_privs or has(status.effective, "sys_admin")

    def prepared(self, status: Status) -> tuple[Self, tuple[str, ...]]:
        """Return the fence; raises Refused if this kernel has no rules for ports."""
        if self._ports() and landlock.abi() < landlock.ABI_OF_PORTS:
            raise Refused(
                f"the Landlock of this kernel, ABI {landlock.abi()}, knows no ports",
                "take connect= and bind= away, or Linux 6.7",
            )
        return self, ()

    def apply(self, target: Target) -> None:
        """Make a ruleset and restrict the process by it, landlock_restrict_self(2)."""
        caller = target.caller
        files, ports = self._files(), self._ports()
        handled = landlock.known(Files(sum(files)))
        ruleset = landlock.landlock_create_ruleset(caller, handled, Ports(sum(ports)))
        try:
            for access, paths in files.items():
                for path in paths:
                    landlock.allow_path(caller, ruleset, path, access & handled)
                if access != EXECUTE:
                    _allow_devices(caller, ruleset, access & handled)
            for kind, numbers in ports.items():
                for port in numbers:
                    landlock.allow_port(caller, ruleset, port, kind)
            landlock.landlock_restrict_self(caller, ruleset)
        finally:
            caller.close(ruleset)

    def _files(self) -> dict[Files, tuple[str, ...]]:
        given = {READ: self.read, WRITE: self.write, EXECUTE: self.exec}
        return {access: _listed(text) for access, text in given.items() if text is not None}

    def _ports(self) -> dict[Ports, tuple[int, ...]]:
        given = {Ports.CONNECT_TCP: self.connect, Ports.BIND_TCP: self.bind}
        return {
            kind: tuple(map(_port, _listed(text)))
            for kind, text in given.items()
            if text is not None
        }


def _allow_devices(caller: Caller, ruleset: int, access: Files) -> None:
    for path in DEVICES:
        try:
            landlock.allow_path(caller, ruleset, path, access)
        except KernelError as error:
            # The root directory of a root fence may lack some.
            if error.errno != errno.ENOENT:
                raise


def _listed(text: str) -> tuple[str, ...]:
    words = listed("landlock", text)
    return () if words == (NONE,) else words


def _port(word: str) -> int:
    if not re.fullmatch(PORT, word) or int(word) > LARGEST_PORT:
        raise UsageError(f"fence landlock: {word!r} is not a port", f"0 to {LARGEST_PORT}")
    return int(word)
