"""The playground: the containers, the process that is the parent of everything in them.

It is started with the first container and ends with everything when the playground is
closed, or when this process ends in any way.
"""

from __future__ import annotations

import difflib
import os
import re
import resource
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from shellplay.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.kernel import constants as k
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.caller import HERE
from shellplay.kernel.descendants import descendants, kill_quietly
from shellplay.kernel.journal import Journal
from shellplay.model import NamespaceId, Role
from shellplay.processes import Snapshot, snapshot
from shellplay.settings import Settings
from shellplay.shell import outsider
from shellplay.shell.drain import Drain
from shellplay.shell.guardian import Guardian

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


class Playground:
    """One running shellplay: a context manager that leaves nothing behind.

    ``on_notice`` is called, from a background thread, when there is a new notice.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.containers: list[Container] = []
        self.current: Container | None = None
        self.journal = Journal()
        self.on_notice: Callable[[str], None] | None = None
        self._notices: list[str] = []
        self._notices_lock = threading.Lock()
        self._services_lock = threading.Lock()
        self._guardian: Guardian | None = None
        self._drain: Drain | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def repl_pid(self) -> int:
        """The PID of this process."""
        return os.getpid()

    @property
    def playground_pid(self) -> int | None:
        """The PID of the parent of every bash, None before there is one."""
        return self._guardian.pid if self._guardian else None

    def prestart(self) -> None:
        """Start the playground process now, while something else is being done."""
        self._services()

    def _services(self) -> tuple[Guardian, Drain]:
        with self._services_lock:
            if self._drain is None:
                # Should the playground process be killed, its orphans come to us.
                HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
                self._drain = Drain()
            if self._guardian is None or self._guardian.gone:
                self._guardian = Guardian(self.settings.surroundings)
                _allow_many_descriptors()
                self._drain.watch(self._guardian.events.fileno(), self._hear)
            return self._guardian, self._drain

    def host(self, line: str) -> int:
        """Run a line by the host's sh, outside every fence; return its exit status.

        It is a child of the playground process and ends with it at the latest; its output
        goes where the surroundings say.
        """
        guardian, _ = self._services()
        return outsider.execute(guardian, line, self.settings.surroundings.output)

    # -- containers ----------------------------------------------------------------------

    def new(self, name: str | None = None) -> Container:
        """Start a container with one bash and no fence, and make it the current one."""
        if name is not None:
            if not NAME.fullmatch(name):
                raise UsageError(
                    f"{name!r} is no name for a container",
                    "small letters, digits, _ . and -, at most 63, and no sign first",
                )
            if any(name in (each.name, each.id) for each in self.containers):
                raise Refused(f"there is a container {name} already", f"use {name}")
        guardian, drain = self._services()
        container = Container(
            name, guardian, drain, self.settings,
            find=self.find, peers=lambda: self.containers, notice=self._note,
        )  # fmt: skip
        self.containers.append(container)
        self.current = container
        return container

    def use(self, name: str) -> Container:
        """Make a container the current one."""
        self.current = self.find(name)
        return self.current

    def find(self, name: str) -> Container:
        """Find a container by name, id or unique beginning of its id; or raise Refused."""
        exact = [each for each in self.containers if name in (each.name, each.id)]
        begins = [each for each in self.containers if name and each.id.startswith(name)]
        found = exact or begins
        if len(found) == 1:
            return found[0]
        if found:
            raise Refused(f"{name!r} is the beginning of {len(found)} ids", "containers")
        labels = [each.label for each in self.containers]
        near = difflib.get_close_matches(name, labels, 1)
        fix = f"did you mean {near[0]}?" if near else "containers lists them"
        raise Refused(f"there is no container {name!r}", fix if labels else "new makes one")

    def stop(self, container: Container) -> int:
        """End a container and everything in it; return how many processes that were."""
        # Its orphans have left the family of its bashes; they are told by their traces.
        orphans = [
            each.pid
            for each in self.snapshot().processes
            if each.container == container.label and each.role is Role.CHILD
        ]
        ended = set(container.stop()) | set(orphans)
        for pid in orphans:
            kill_quietly(pid)
        self.containers.remove(container)
        if self.current is container:
            self.current = self.containers[-1] if self.containers else None
        return len(ended)

    # -- looking -------------------------------------------------------------------------

    def snapshot(self, *, everything: bool = False) -> Snapshot:
        """Read the processes of the playground; with ``everything`` those of the host too."""
        alive = [each for each in self.containers if not each.dead]
        return snapshot(
            repl=self.repl_pid,
            playground=self.playground_pid,
            shells={each.pid: each.label for each in alive},
            parked={shell.pid: each.label for each in alive for shell in each.parked_shells},
            everything=everything,
        )

    def host_namespaces(self) -> dict[str, NamespaceId | None]:
        """Return the namespaces outside all fences, by kind."""
        return namespaces.identities("self")

    def notices(self) -> list[str]:
        """Return, once, the sentences about what happened by itself."""
        with self._notices_lock:
            taken, self._notices = self._notices, []
            return taken

    def _note(self, sentence: str) -> None:
        with self._notices_lock:
            self._notices.append(sentence)
        if self.on_notice is not None:
            self.on_notice(sentence)

    # -- the end -------------------------------------------------------------------------

    def close(self) -> None:
        """End every process of the playground and wait until they have ended."""
        guardian, drain = self._guardian, self._drain
        if guardian is None or drain is None:
            return
        for container in self.containers:
            container.stop()
        self.containers.clear()
        self.current = None
        # From here on the end of the playground process is wanted, and no news.
        drain.close()
        self._guardian = self._drain = None
        guardian.close()
        HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 0)

    def _hear(self) -> bool:
        guardian, drain = self._guardian, self._drain
        assert guardian is not None
        assert drain is not None
        # A new one must not start before the last orphan of this one is dead: it would be
        # taken for one of them.
        with self._services_lock:
            if guardian.hear():
                return False
            drain.forget(guardian.events.fileno())
            guardian.close()
            self._end_adopted()
        self._note("the playground process has ended, and every container with it")
        return False

    def _end_adopted(self) -> None:
        # What the killed one was the parent of has come to us: end it, as it would.
        while orphans := self._adopted():
            for orphan in orphans:
                for pid in (orphan, *descendants(orphan)):
                    kill_quietly(pid)
            for orphan in orphans:
                os.waitpid(orphan, 0)

    def _adopted(self) -> list[int]:
        # All that descends from it has a session of its own or that of a bash; what we
        # started ourselves shares ours.
        session = os.getsid(0)
        children = [procfs.stat(pid) for pid in procfs.children(os.getpid())]
        return [each.pid for each in children if each and each.session != session]


def _allow_many_descriptors() -> None:
    # Every container takes some.  After the playground process was started: what runs
    # inside keeps the limit that the user has.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
