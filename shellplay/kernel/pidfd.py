"""Descriptors of processes, pidfd_open(2)."""

from __future__ import annotations

import os
from contextlib import contextmanager

from shellplay.kernel.here import HERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def pidfd(pid: int) -> Iterator[int]:
    """Hold a pidfd of a process for the ``with`` block; raise KernelError if it has ended."""
    fd = HERE.pidfd_open(pid)
    try:
        yield fd
    finally:
        os.close(fd)
