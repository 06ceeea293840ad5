"""Wait for one descriptor, with a timeout."""

from __future__ import annotations

import select

# poll(2) takes an int of milliseconds.
LONGEST_MS = 2**31 - 1


def readable(fd: int, seconds: float) -> bool:
    """Wait for at most ``seconds``; tell whether a descriptor is readable, poll(2).

    More than 24 days, infinity too, are not a limit.  A pidfd is readable when its process has
    ended.
    """
    # select(2) does not support descriptors above 1023.
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    milliseconds = seconds * 1000
    return bool(poll.poll(milliseconds if milliseconds <= LONGEST_MS else None))
