"""Start a process that runs a module of this package, with sockets to this process."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

from shellplay.kernel import interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIRST = 3
STANDARD_ERROR = 2
# If the module cannot be loaded, the reason goes into the first socket.  Only then the child
# gets our standard error: Python tells by a traceback that it cannot start.
PROGRAM = """
import os, sys
module, paths, errors, *words = sys.argv[1:]
sys.path[:0] = paths.split(os.pathsep)
try:
    main = __import__(module, fromlist=["main"]).main
    os.dup2(int(errors), 2)
    os.close(int(errors))
except Exception as error:
    os.write(3, str(error).encode())
    os._exit(1)
main(*words)
"""


def start(
    module: str,
    words: Sequence[str],
    sockets: Sequence[int],
    environment: Mapping[str, str],
    *,
    packages: Sequence[str] = (),
    session: bool = False,
) -> int:
    """Run ``main(*words)`` of a module in a new process, and return its PID.

    It gets ``sockets`` as the descriptors from 3 on, and of the standard streams the error
    stream only.  ``packages`` are more directories to import from.  It starts a process group,
    or a ``session``.  If the module cannot be loaded, it writes the reason to the first
    socket.  Raises Refused and OSError.
    """
    # Loaded here: the child itself needs it not.
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    paths = os.pathsep.join((PACKAGE_ROOT, *packages))
    with ExitStack() as held:
        # Above all numbers of the child: to move one would close another one, and dup2(2) of
        # a descriptor to its own number leaves close-on-exec set.
        actions: list[tuple[object, ...]] = []
        ends = [*sockets, STANDARD_ERROR]
        for number, fd in enumerate(ends, FIRST):
            above = fcntl(fd, F_DUPFD_CLOEXEC, FIRST + len(ends))
            held.callback(os.close, above)
            actions.append((os.POSIX_SPAWN_DUP2, above, number))
        # Ctrl-C of the terminal and a kill of our process group must not end it.
        return interpreter.spawn(
            interpreter.command(PROGRAM, module, paths, str(FIRST + len(sockets)), *words),
            environment,
            [
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                *actions,
            ],
            session=session,
        )


def end(pid: int) -> None:
    """Kill such a process, and reap it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
