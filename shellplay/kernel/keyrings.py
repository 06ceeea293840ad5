"""Keys that the kernel keeps for a session: no namespace parts them, see keyrings(7)."""

from __future__ import annotations

import errno

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel.caller import Caller


def join_session_keyring(caller: Caller) -> None:
    """Give a process a new, empty session keyring, KEYCTL_JOIN_SESSION_KEYRING(2const).

    Raises KernelError.
    """
    try:
        caller.call(
            "keyctl", k.KEYCTL_JOIN_SESSION_KEYRING, None, subject="a new session keyring",
            shown=["KEYCTL_JOIN_SESSION_KEYRING", "NULL"],
        )  # fmt: skip
    except KernelError as error:
        # Without CONFIG_KEYS there are none to share; and a filter that denies us this call
        # (Docker's, if we are in a container ourselves) denies it everybody inside as well.
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
