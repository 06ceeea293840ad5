"""The messages of the REPL and the monitor, over two pairs of SOCK_SEQPACKET sockets.

On one pair the REPL sends requests, and the monitor sends one message when it has started:
READY, or why it could not start.  On the other one the monitor sends the PID and the wait
status of each child that has ended.
"""

import struct

# Their descriptors in the monitor, as ``python_child`` numbers them.
REQUESTS_FD, EVENTS_FD = 3, 4
READY = b"ready"
# Comes with one end of a socket pair: fork a stub, which reads its requests there.
STUB = b"stub"
# With a terminal, and behind the word its marshalled modes and what it is sent with them:
# restore them at the end.
KEEP_MODES = b"modes "
FORGET_MODES = b"forget"

EXITED = struct.Struct("ii")
