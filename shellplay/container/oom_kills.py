"""The processes of a container that the kernel kills when its memory limit is reached."""

from __future__ import annotations

from shellplay.kernel.cgroup.group import Group


class OomKills:
    """The processes of a container that the kernel has killed for want of memory."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._told = 0

    def news(self, label: str) -> str | None:
        """Say how many were killed since the last time; None if none was."""
        if not self._group.directories:
            return None
        # Loaded here: a container without a limit has no cgroup that counts.
        from shellplay.kernel.cgroup import stats
        from shellplay.kernel.cgroup.hierarchies import having

        total = stats.oom_kills(self._group.directory(having("memory"))) or 0
        told, self._told = self._told, total
        # A cgroup that was made anew counts from 0.
        killed = total - told if total >= told else total
        if not killed:
            return None
        what = "a process" if killed == 1 else f"{killed} processes"
        return f"{label}: out of memory, so the kernel has killed {what} (limit memory)"
