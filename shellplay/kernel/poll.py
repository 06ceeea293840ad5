"""Wait for one descriptor, with a timeout."""

from __future__ import annotations

import select


def readable(fd: int, seconds: float) -> bool:
    """Wait for at most ``seconds``; tell whether a descriptor is readable, poll(2).

    A pidfd is readable when its process has ended.
    """
    # select(2) does not support descriptors above 1023.
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
