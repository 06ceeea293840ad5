"""The fences: one file each, found by themselves, in the order of ``KINDS``."""

import importlib
import pkgutil

from shellplay.fences.fence import REGISTRY, Fence, Option
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
}

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["ALIASES", "KINDS", "REGISTRY", "Fence", "Option"]
