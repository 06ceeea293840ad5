"""Wait for one descriptor, and never for ever."""

from __future__ import annotations

import select


def readable(fd: int, seconds: float) -> bool:
    """Wait until a descriptor can be read, or so long; tell whether it can, poll(2).

    A pidfd can be "read" when its process has ended.
    """
    # Not select(2), which knows no descriptor above 1023.
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
