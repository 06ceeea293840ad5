"""Whether this user may use ptrace(2) here, found out by trying it on an own process."""

from __future__ import annotations

import subprocess

from shellplay.errors import KernelError
from shellplay.kernel.explain import ptrace_refusal
from shellplay.kernel.seize import seized


def refused() -> str | None:
    """Say why ptrace is refused (Yama, a seccomp filter), or return None if it is not."""
    with subprocess.Popen(["sleep", "1000"]) as child:
        try:
            with seized(child.pid):
                return None
        except KernelError:
            return ptrace_refusal(child.pid)
        finally:
            child.kill()
