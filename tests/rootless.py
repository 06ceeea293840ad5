"""Runs the tests marked ``userns`` as an ordinary user and reports them in the same run.

The pytest that is root starts a second pytest as an ordinary user; that one sends its
reports through a pipe, one JSON line each, and this one shows them as its own.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from shellplay.kernel.cgroup.directories import move
from tests.delegation import delegated
from tests.ordinary import NoOrdinaryUser, OrdinaryUser, find_ordinary_user

FD_VARIABLE = "SHELLPLAY_REPORT_FD"
PATIENCE = 600.0


class Reporter:
    """The plugin in the ordinary user's pytest: it sends each report to root's pytest."""

    def __init__(self, config: pytest.Config, fd: int) -> None:
        self.config = config
        os.set_inheritable(fd, False)
        self.stream = os.fdopen(fd, "w", buffering=1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send the report of one phase (setup, call, teardown) of a test."""
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.stream.write(json.dumps(data) + "\n")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Send that a test has no further phases."""
        self.stream.write(json.dumps({"finished": nodeid}) + "\n")

    def pytest_unconfigure(self) -> None:
        """Close the pipe, so that the reader sees its end."""
        self.stream.close()


class Delegation:
    """The plugin in root's pytest: it passes tests marked ``userns`` to an ordinary user's."""

    def __init__(self) -> None:
        self.run: RootlessRun | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the delegated tests last, as two pytests must not run at the same time."""
        items.sort(key=_delegated)
        for item in filter(_delegated, items):
            item.add_marker(pytest.mark.timeout(0), append=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Run one delegated test; return None to leave any other test to pytest."""
        if not _delegated(item):
            return None
        if self.run is None or item.nodeid not in self.run.nodeids:
            self.close()
            self.run = RootlessRun(_remaining(item))
        self.run.report(item)
        return True

    def pytest_sessionfinish(self) -> None:
        """End the other pytest if it still runs."""
        self.close()

    def close(self) -> None:
        """End the current run of the ordinary user's pytest."""
        if self.run:
            self.run.close()
        self.run = None


def _delegated(item: pytest.Item) -> bool:
    return item.get_closest_marker("userns") is not None


def _remaining(item: pytest.Item) -> list[pytest.Item]:
    """Return the tests of one run: all remaining ones, or one if xdist distributes them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return [item]
    return item.session.items[item.session.items.index(item) :]


class RootlessRun:
    """The ordinary user's pytest, from which root's pytest reads one test at a time."""

    def __init__(self, items: list[pytest.Item]) -> None:
        self.nodeids = frozenset(item.nodeid for item in items)
        self.pending = b""
        self.scratch = tempfile.TemporaryDirectory(prefix="sp-", dir="/tmp")
        folder = Path(self.scratch.name)
        folder.chmod(0o755)
        names = folder / "tests"
        names.write_text("\n".join(item.nodeid for item in items))
        names.chmod(0o644)
        self.output_path = folder / "output"
        self.process: subprocess.Popen[str] | None = None
        self.reader, writer = os.pipe()
        self.undo = ExitStack()
        try:
            self.process = self._start(find_ordinary_user(folder), names, writer)
        except NoOrdinaryUser as error:
            self.output_path.write_text(str(error))
        finally:
            os.close(writer)

    def _start(self, user: OrdinaryUser, names: Path, writer: int) -> subprocess.Popen[str]:
        directories = self.undo.enter_context(delegated(user.uid))
        with self.output_path.open("w") as output:
            process = user.start(
                ["-m", "pytest", "-p", "no:cacheprovider", f"@{names}"],
                extra={FD_VARIABLE: str(writer)},
                pass_fds=(writer,),
                output=output,
            )
        for directory in directories:
            move(process.pid, str(directory))
        return process

    def report(self, item: pytest.Item) -> None:
        """Report all phases of ``item``, which the ordinary user's pytest runs now."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for data in iter(self._read, None):
            if "finished" in data:
                break
            report = item.config.hook.pytest_report_from_serializable(
                config=item.config, data=data
            )
            if isinstance(report.longrepr, list):
                # The location and reason of a skip: pytest needs a tuple, JSON has only lists.
                report.longrepr = tuple(report.longrepr)
            item.ihook.pytest_runtest_logreport(report=report)
        else:
            item.ihook.pytest_runtest_logreport(report=self._lost(item))
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def close(self) -> None:
        """End the other pytest if it still runs."""
        os.close(self.reader)
        if self.process:
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.undo.close()
        self.scratch.cleanup()

    def _read(self) -> dict[str, Any] | None:
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.reader], [], [], PATIENCE)
            chunk = os.read(self.reader, 65536) if ready else b""
            if not chunk:
                return None
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b"\n")
        data: dict[str, Any] = json.loads(line)
        return data

    def _lost(self, item: pytest.Item) -> pytest.TestReport:
        tail = self.output_path.read_text()[-4000:]
        return pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="failed",
            longrepr=f"the ordinary user's pytest ended or hung before this test:\n{tail}",
            when="call",
        )
