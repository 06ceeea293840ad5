"""The session keyring: no namespace isolates it, keyrings(7)."""

from __future__ import annotations

import errno

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel.caller import Caller


def join_session_keyring(caller: Caller) -> None:
    """Give a process a new, empty session keyring, KEYCTL_JOIN_SESSION_KEYRING(2const).

    It is not an error if keyctl(2) is missing or denied.  Raises KernelError otherwise.
    """
    try:
        caller.call(
            "keyctl", k.KEYCTL_JOIN_SESSION_KEYRING, None, subject="a new session keyring",
            shown=["KEYCTL_JOIN_SESSION_KEYRING", "NULL"],
        )  # fmt: skip
    except KernelError as error:
        # Without CONFIG_KEYS no process has keys.  And a filter that denies us keyctl(2), like
        # the filter of Docker, denies it to all processes inside too.
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
