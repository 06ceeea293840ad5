"""Run shellplay behind a seccomp filter that asks a supervisor about some system calls.

``python -m tests.faults.launcher SOCKET NUMBERS WORDS...``: the listener of the filter goes
over SOCKET, and NUMBERS are the system calls, joined by commas.  The filter is set once the
interpreter and our main module are loaded: what fails before that, Python reports.
"""

import ctypes
import os
import socket
import struct
import sys
import threading
from queue import SimpleQueue

from shellplay.__main__ import main
from shellplay.kernel.architecture import native

SECCOMP_SET_MODE_FILTER, NEW_LISTENER = 1, 1 << 3
PR_SET_NO_NEW_PRIVS = 38
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ASK = 0x7FFF0000, 0x7FC00000


def instructions(numbers: list[int]) -> bytes:
    """Return a filter that asks about the calls with these numbers, and allows others."""
    steps = [(LOAD_NUMBER, 0, 0, 0)]
    steps += [(JUMP_IF_EQUAL, len(numbers) - n, 0, each) for n, each in enumerate(numbers)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ASK)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def listen(numbers: list[int]) -> int:
    """Set the filter for this process and its descendants; return its listener."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid():
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    text = ctypes.create_string_buffer(instructions(numbers))
    program = struct.pack("HxxxxxxQ", len(numbers) + 3, ctypes.addressof(text))
    listener: int = libc.syscall(
        native().number("seccomp"), SECCOMP_SET_MODE_FILTER, NEW_LISTENER, program
    )
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def set_filter(link: socket.socket, numbers: list[int]) -> None:
    """Set the filter and send its listener over ``link``."""
    listeners: SimpleQueue[int] = SimpleQueue()

    def send() -> None:
        fd = listeners.get()
        socket.send_fds(link, [b"."], [fd])
        os.close(fd)

    # The filter is that of one thread and its children.  This one has none: it can send the
    # listener also where each sendmsg(2) is asked about.
    sender = threading.Thread(target=send)
    sender.start()
    listeners.put(listen(numbers))
    sender.join()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        set_filter(given, [int(each) for each in sys.argv[2].split(",")])
    sys.argv = ["shellplay", *sys.argv[3:]]
    sys.exit(main())
