"""A finding of doctor: one fact of the machine, and its fix."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class When(Enum):
    """When a fix takes effect: at once, at the next boot, or with another kernel only."""

    NOW = "now"
    BOOT = "boot"
    KERNEL = "kernel"


class Finding(NamedTuple):
    """The result of one check: a fact, and the fix if something is wrong."""

    name: str
    fact: str
    fix: str = ""
    when: When = When.NOW

    def record(self, group: str) -> dict[str, str | bool | None]:
        """Return it in the shape of docs/json.md."""
        return {
            "group": group,
            "name": self.name,
            "ok": not self.fix,
            "fact": self.fact,
            "fix": self.fix or None,
            "when": self.when.value if self.fix else None,
        }


def sysctl_fix(name: str, value: str) -> str:
    """Return the command that sets a kernel parameter, sysctl(8)."""
    return f"sysctl {name}={value}, as root"
