"""Find out by a trial on a child process whether this user may use ptrace(2) here."""

from __future__ import annotations

import subprocess

from shellplay.errors import KernelError
from shellplay.kernel.explain import ptrace_refusal
from shellplay.kernel.seize import seized


def refused() -> str | None:
    """Return the reason why ptrace is refused (Yama, seccomp), None if it is allowed."""
    with subprocess.Popen(["sleep", "1000"]) as child:
        try:
            with seized(child.pid):
                return None
        except KernelError:
            return ptrace_refusal(child.pid)
        finally:
            child.kill()
