"""An ordinary user for tests that run as root: an interpreter and a checkout it may read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
UID = 4242
PROBE = "import shellplay.model, tests.waiting, pytest, pexpect, prompt_toolkit"
NOT_COPIED = (".*", "build", "dist", "logs")


class NoOrdinaryUser(Exception):
    """An unprivileged uid cannot read the interpreter or the checkout."""


@dataclass(frozen=True, slots=True)
class OrdinaryUser:
    """A uid without privileges, a Python that it may execute, and the path of the checkout."""

    uid: int
    python: str
    checkout: Path
    import_path: tuple[str, ...]

    def start(
        self,
        arguments: list[str],
        *,
        stdin: int = subprocess.DEVNULL,
        output: int | IO[str] = subprocess.DEVNULL,
        extra: dict[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> subprocess.Popen[str]:
        """Start Python with ``arguments`` as this user, in the checkout.

        ``output`` takes stdout and stderr, ``extra`` is added to the environment.
        """
        environment = {
            **os.environ,
            **(extra or {}),
            "PYTHONPATH": os.pathsep.join(self.import_path),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        root = os.geteuid() == 0
        return subprocess.Popen(
            [self.python, *arguments],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=self.checkout,
            env=environment,
            pass_fds=pass_fds,
            text=True,
            user=self.uid if root else None,
            group=self.uid if root else None,
            extra_groups=[] if root else None,
        )

    def run(self, arguments: list[str], *, timeout: float = 60) -> tuple[int, str]:
        """Run Python with ``arguments`` to its end; return its status and all its output."""
        with self.start(arguments, output=subprocess.PIPE) as process:
            try:
                output, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, output


def find_ordinary_user(scratch: Path) -> OrdinaryUser:
    """Return this user if it is not root, else uid 4242 with a readable checkout.

    What cannot be read by others (a checkout or an interpreter below /root) is replaced by
    a copy in ``scratch`` or by the system's Python.  Raises NoOrdinaryUser.
    """
    if os.geteuid() != 0:
        return OrdinaryUser(os.geteuid(), sys.executable, ROOT, (str(ROOT),))
    for checkout, packages in _places(scratch):
        for python in (sys.executable, "/usr/bin/python3"):
            user = OrdinaryUser(UID, python, checkout, (str(checkout), str(packages)))
            if _works(user):
                return user
    raise NoOrdinaryUser(f"uid {UID} can execute neither {sys.executable} nor /usr/bin/python3")


def _places(scratch: Path) -> Iterator[tuple[Path, Path]]:
    """Yield readable paths of the checkout and the packages; copy them if no path is."""
    packages = Path(sysconfig.get_path("purelib"))
    yield ROOT, packages
    checkout = scratch / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*NOT_COPIED))
    yield checkout, packages
    yield checkout, Path(shutil.copytree(packages, scratch / "packages"))


def _works(user: OrdinaryUser) -> bool:
    try:
        status, _ = user.run(["-c", PROBE])
    except PermissionError:
        return False
    return status == 0
