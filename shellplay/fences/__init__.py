"""The fences: one file each, found by themselves, in the order of ``ORDER``."""

import importlib
import pkgutil

from shellplay.fences.base.fence import REGISTRY, Fence, Option
from shellplay.fences.base.limit import Limit
from shellplay.fences.base.mount_over import Mounted
from shellplay.fences.base.namespace import Namespace
from shellplay.fences.base.restriction import Restriction
from shellplay.kernel.namespaces import KINDS

# What Docker, util-linux and CLONE_NEW* users would type.
ALIASES: dict[str, str] = {
    "mount": "mnt",
    "ns": "mnt",
    "network": "net",
    "hostname": "uts",
    "host": "uts",
    "process": "pid",
    "processes": "pid",
    "userns": "user",
    "users": "user",
    "cgroupns": "cgroup",
    "clock": "time",
    "rootfs": "root",
    "chroot": "root",
    "files": "root",
    "sysfs": "sys",
    "devices": "dev",
    "capabilities": "caps",
    "cap": "caps",
    "no_new_privs": "nnp",
    "userns_lock": "userns-lock",
    "disable-userns": "userns-lock",
}

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

# The order in which they are shown, about that in which runc puts them up; a fence that is
# not in here comes last.
_PLACES = (
    *KINDS,
    *("root", "proc", "sys", "dev"),
    *("memory", "cpu", "pids", "io", "cpuset", "rlimit"),
    *("caps", "nnp", "landlock", "seccomp", "userns-lock"),
)
ORDER: tuple[str, ...] = (
    *(kind for kind in _PLACES if kind in REGISTRY),
    *(kind for kind in REGISTRY if kind not in _PLACES),
)

__all__ = [
    "ALIASES", "KINDS", "ORDER", "REGISTRY", "Fence", "Limit", "Mounted", "Namespace",
    "Option", "Restriction",
]  # fmt: skip
