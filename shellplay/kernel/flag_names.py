"""Names of CLONE_*, MS_* and PR_* constants, for the journal and for errors."""

from shellplay.kernel import constants as k

_CLONE = (
    *("PARENT", "NEWUSER", "NEWNS", "NEWUTS", "NEWIPC", "NEWNET", "NEWPID", "NEWCGROUP"),
    "NEWTIME",
)
_MOUNT = ("RDONLY", "NOSUID", "NODEV", "NOEXEC", "BIND", "REC", "PRIVATE", "SLAVE")

CLONE_BITS: dict[str, int] = {f"CLONE_{name}": getattr(k, f"CLONE_{name}") for name in _CLONE}
MOUNT_BITS: dict[str, int] = {f"MS_{name}": getattr(k, f"MS_{name}") for name in _MOUNT}

_PRCTL = (
    *("SET_PDEATHSIG", "SET_DUMPABLE", "SET_KEEPCAPS", "SET_NAME", "SET_CHILD_SUBREAPER"),
    "SET_NO_NEW_PRIVS",
    "CAP_AMBIENT",
)
PRCTL_NAMES: dict[int, str] = {getattr(k, f"PR_{name}"): f"PR_{name}" for name in _PRCTL}


def clone_flags(flags: int) -> list[str]:
    """Return the names of the CLONE_NEW* bits that are set."""
    return [name for name, bit in CLONE_BITS.items() if flags & bit]


def mount_flags(flags: int) -> list[str]:
    """Return the names of the MS_* bits that are set."""
    return [name for name, bit in MOUNT_BITS.items() if flags & bit]
