"""The playground: the containers of one run, and the monitor, the parent of their bashes.

The monitor is started with the first container and ends with everything when the playground is
closed, or when this process ends in any way.
"""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from shellplay.errors import Refused, UsageError
from shellplay.kernel import namespaces
from shellplay.kernel.call_log import Journal
from shellplay.kernel.signals import deferred
from shellplay.model import NamespaceId, Role
from shellplay.nearest import did_you_mean
from shellplay.settings import Settings

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.container.spec import StartSpec
    from shellplay.container.strays import Strays
    from shellplay.playground.processes import Snapshot
    from shellplay.playground.runtime import Runtime

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
# A container without a name gets this one, with the lowest number that is free.
USUAL_NAME = "box"


class Playground:
    """All containers of one run: a context manager that leaves no process or cgroup behind.

    ``on_notice`` is called, from a background thread, when there is a new notice.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.containers: list[Container] = []
        self.current: Container | None = None
        self.journal = Journal()
        # By the id of a container: the last line typed into its bash that failed.
        self.failed_lines: dict[str, str] = {}
        self.on_notice: Callable[[str], None] | None = None
        self._notices: list[str] = []
        self._notices_lock = threading.Lock()
        self._runtime: Runtime | None = None

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
        return self._runtime.monitor.pid if self._runtime else None

    def prestart(self, *, bridge: bool = False) -> None:
        """Start the monitor now, beside other work.

        With ``bridge`` the bridge process, too.
        """
        runtime = self._ensure_runtime()
        if bridge:
            runtime.bridge.prestart()

    def _ensure_runtime(self) -> Runtime:
        # Loaded here, as the container in ``new``: commands about the host need neither, and
        # to load them takes as long as all the rest of the program.
        from shellplay.playground.runtime import Runtime

        if self._runtime is None:
            # A ^C in the middle of it would leave a monitor that is never closed.
            with deferred():
                self._runtime = Runtime(self.settings.surroundings, self._note)
        self._runtime.revive()
        return self._runtime

    def host(self, line: str) -> int:
        """Run a line by the host's sh, outside every fence; return its exit status.

        It is a child of the monitor and ends with it at the latest; its output goes where
        the surroundings say.
        """
        return self._ensure_runtime().run_outside(line)

    # -- containers ----------------------------------------------------------------------

    def new(self, name: str | None = None, start: StartSpec | None = None) -> Container:
        """Start a container with one bash and no fence, and make it the current one.

        Without a name it gets a free one: ``box1``, ``box2``.  With ``start`` it starts as
        that says.
        """
        self.forget_ended()
        if name is None:
            name = self._free_name()
        else:
            if not NAME.fullmatch(name):
                raise UsageError(
                    f"{name!r} is not a name for a container",
                    "letters, digits, _ . and -, and no sign first",
                )
            if any(name in (each.name, each.id) for each in self.containers):
                raise Refused(f"there is a container {name} already", f"use {name}")
        # First, so that it starts while the container is being loaded.
        runtime = self._ensure_runtime()
        from shellplay.container.container import Container

        container = Container(
            name, runtime.monitor, runtime.pty_reader, self.settings,
            bridge=runtime.bridge, find=self.find, peers=lambda: self.containers,
            notice=self._note, start=start,
        )  # fmt: skip
        self.containers.append(container)
        self.current = container
        return container

    def _free_name(self) -> str:
        taken = {each.name for each in self.containers}
        names = (f"{USUAL_NAME}{number}" for number in itertools.count(1))
        return next(name for name in names if name not in taken)

    def forget_ended(self) -> None:
        """Forget the containers that end with their program or their bash."""
        for each in list(self.containers):
            process = each.process
            forgotten = process and process.spec.forgotten and not process.awaited
            if each.dead and (forgotten or each.is_over):
                self.stop(each)

    def use(self, name: str) -> Container:
        """Make a container the current one."""
        self.current = self.find(name)
        return self.current

    def find(self, name: str) -> Container:
        """Find a container by name, id or unique beginning of its id; or raise Refused."""
        self.forget_ended()
        exact = [each for each in self.containers if name in (each.name, each.id)]
        begins = [each for each in self.containers if name and each.id.startswith(name)]
        found = exact or begins
        if len(found) == 1:
            return found[0]
        if found:
            raise Refused(f"{name!r} is the beginning of {len(found)} ids", "containers")
        labels = [each.label for each in self.containers]
        fix = did_you_mean(name, labels, "containers lists them")
        raise Refused(f"there is no container {name!r}", fix if labels else "new makes one")

    def stop(self, container: Container, *, keep_volumes: bool = False) -> int:
        """End a container and everything in it; return how many processes that were.

        Its volumes without a name are removed, unless they are to be kept.
        """
        ended = container.stop(self._strays(container).find, keep_volumes=keep_volumes)
        self.containers.remove(container)
        if self.current is container:
            self.current = self.containers[-1] if self.containers else None
        return len(ended)

    def pause(self, container: Container) -> None:
        """Freeze everything in a container."""
        container.pause(self._orphans(container))

    def _strays(self, container: Container) -> Strays:
        """Return what finds the orphans of a container, also after the end of its bashes."""
        from shellplay.container.strays import Strays
        from shellplay.playground.kinship import Kinship

        shells, parked = self._bashes()
        kinship = Kinship(self.repl_pid, shells, parked)
        kinship.learn()
        bashes = {*shells, *parked}
        return Strays(
            container.monitor.pid,
            lambda pid: pid not in bashes and kinship.container_of(pid) == container.label,
        )

    def _bashes(self) -> tuple[dict[int, str], dict[int, str]]:
        """Return the labels of the containers by the PIDs of live and of parked bashes."""
        alive = [each for each in self.containers if not each.dead]
        shells = {each.pid: each.label for each in alive}
        return shells, {pid: each.label for each in alive for pid in each.parked_pids}

    def _orphans(self, container: Container) -> list[int]:
        # They are no longer descendants of its bashes; session and namespaces tell them.
        return [
            each.pid
            for each in self.snapshot().processes
            if each.container == container.label and each.role is Role.CHILD
        ]

    # -- looking -------------------------------------------------------------------------

    def snapshot(self, *, everything: bool = False) -> Snapshot:
        """Read the processes of the playground; with ``everything`` those of the host too."""
        from shellplay.playground.processes import snapshot

        shells, parked = self._bashes()
        return snapshot(
            repl=self.repl_pid,
            playground=self.playground_pid,
            shells=shells,
            parked=parked,
            everything=everything,
        )

    def host_namespaces(self) -> dict[str, NamespaceId | None]:
        """Return the namespaces outside all fences, by kind."""
        return namespaces.identities("self")

    def notices(self) -> list[str]:
        """Return, once, the sentences about events that no command asked for.

        Containers that are over are forgotten then.
        """
        self.forget_ended()
        killed = [each.oom_kills.news(each.label) for each in self.containers]
        with self._notices_lock:
            taken, self._notices = self._notices, []
            return [*filter(None, killed), *taken]

    def _note(self, sentence: str) -> None:
        with self._notices_lock:
            self._notices.append(sentence)
        if self.on_notice is not None:
            self.on_notice(sentence)

    # -- the end -------------------------------------------------------------------------

    def abandon(self) -> None:
        """Kill everything without order, from any thread; calls that wait for it return."""
        if self._runtime is not None:
            self._runtime.abandon()

    def close(self) -> None:
        """End every process of the playground and wait until they have ended."""
        if self._runtime is None:
            return
        # First, so that all interfaces are removed at once, and not one by one.
        self._runtime.bridge.close()
        for container in self.containers:
            # The monitor ends the orphans of all containers at once.
            container.stop(lambda: ())
        self.containers.clear()
        self.current = None
        self._runtime.close()
        self._runtime = None
