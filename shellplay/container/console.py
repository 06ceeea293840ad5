"""The console of a container, /dev/console: it is the terminal of its program, as in runc."""

from __future__ import annotations

import os

from shellplay.kernel import constants as k
from shellplay.kernel import mount, mountinfo
from shellplay.kernel.caller import Caller
from shellplay.kernel.stub import Stub
from shellplay.shell.devpts import replace_pty
from shellplay.shell.terminal import Terminal

CONSOLE = "/dev/console"


def move_inside(stub: Stub, terminal: Terminal) -> None:
    """Replace a pty that nothing is on by one of the devpts that a stub sees.

    It is the console of the container, too.  Without a devpts there nothing changes.
    """
    if (path := replace_pty(stub, terminal)) is not None:
        bind_console(stub, path, terminal.device)


def bind_console(caller: Caller, path: str, device: int) -> None:
    """Mount a terminal as the console; ``device`` is the number that its node must have."""
    (tree,) = mount.copy_devices(caller, [(path, (os.major(device), os.minor(device)))])
    if any(each.point == CONSOLE for each in mountinfo.mounts(caller.pid) or ()):
        caller.umount2(CONSOLE, k.MNT_DETACH)
    with caller.together():
        mount.mknodat(caller, CONSOLE, exist_ok=True)
        mount.move_mount(caller, tree, CONSOLE, of=path)
        caller.close(tree)
