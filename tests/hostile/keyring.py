"""A session keyring with a key in it, and shellplay started from there, by ``python -m``.

Its arguments are a directory and the lines of shellplay.  In them ``LOOK`` is a program that
prints ``found`` if it has the key, and ``nothing`` if it has not.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path

from tests.hostile.attacks import script

ADD_KEY, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[platform.machine()]
SESSION, JOIN, SEARCH = -3, 1, 10
KEY = b"of-the-host"
LOOK = f"""
import ctypes
found = ctypes.CDLL(None).syscall({KEYCTL}, {SEARCH}, {SESSION}, b"user", {KEY!r}, 0)
print("nothing" if found < 0 else "found")
"""


def main(directory: str, *lines: str) -> None:
    """Join a session keyring of its own, put a key into it, and become shellplay."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(KEYCTL, JOIN, None) < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    library.syscall(ADD_KEY, b"user", KEY, b"secret", 6, SESSION)
    look = script(Path(directory) / "look", LOOK)
    text = "; ".join(lines).replace("LOOK", str(look))
    program = [sys.executable, "-m", "shellplay", "--no-config", "-c", text]
    os.execv(sys.executable, program)


if __name__ == "__main__":
    main(*sys.argv[1:])
