"""Names of unpacked layers' directories, and locks against their deletion."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from shellplay.image.digest import hexadecimal


def layer_name(chain_id: str) -> str:
    """Return the name of a layer's directory: the first 32 digits of its chain ID.

    The names are short, as the options of mount(2) with all layers must fit in one page.
    """
    return hexadecimal(chain_id)[:32]


def hold_layer(path: Path) -> int:
    """Open a layer's directory; no process deletes the layer until it is closed."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def is_held(path: Path) -> bool:
    """Tell whether a process holds a layer's directory by ``hold_layer``."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
