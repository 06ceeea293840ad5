"""Fixtures for all tests: a private home, the check for leftovers, ordinary users."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from pytest_pexpect import Pexpect

from shellplay import testing
from shellplay.kernel.constants import PR_SET_CHILD_SUBREAPER
from shellplay.kernel.here import HERE
from tests.delegation import set_apart
from tests.leftovers import TAG, read_traces
from tests.ordinary import NoOrdinaryUser, OrdinaryUser, find_ordinary_user
from tests.ptracing import refused
from tests.rootless import FD_VARIABLE, Delegation, Reporter
from tests.terminal import Terminal, start_terminal
from tests.waiting import wait_until as wait_for_condition

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.playground.playground import Playground

# A time limit for one example measures how much else the machine has to do.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

STRICT = os.environ.get("SHELLPLAY_STRICT") == "1"
HOMES = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_RUNTIME_DIR": "run",
    "XDG_STATE_HOME": "home/.local/state",
}


def pytest_configure(config: pytest.Config) -> None:
    """Share the work between root and an ordinary user, see tests.rootless.

    Our own plugin is loaded by pytest if the package is installed, by us if it is not.
    """
    _hear_signals()
    apart = ExitStack()
    apart.enter_context(set_apart())
    config.add_cleanup(apart.close)
    if not config.pluginmanager.is_registered(testing):
        config.pluginmanager.register(testing)
    if FD_VARIABLE in os.environ:
        fd = int(os.environ.pop(FD_VARIABLE))
        config.pluginmanager.register(Reporter(config, fd), "ordinary-user-reporter")
    elif os.geteuid() == 0:
        config.pluginmanager.register(Delegation(), "ordinary-user-delegation")


def _hear_signals() -> None:
    # nohup(1) and the ``&`` of a script ignore some signals.  Our children would inherit that,
    # and no signal would end them.
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked ``everyone`` as root and as an ordinary user."""
    if metafunc.definition.get_closest_marker("everyone"):
        metafunc.fixturenames.append("who")
        metafunc.parametrize(
            "who",
            [
                pytest.param("root", marks=pytest.mark.root),
                pytest.param("ordinary", marks=pytest.mark.userns),
            ],
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs root or ptrace when we may not, before any fixture is built."""
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="needs root"))
    tracing = [item for item in items if item.get_closest_marker("ptrace")]
    if tracing and (refusal := refused()):
        for item in tracing:
            item.add_marker(pytest.mark.skip(reason=refusal))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With SHELLPLAY_STRICT=1 a skip is a failure: every test must run."""
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped under SHELLPLAY_STRICT=1: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Point HOME, TMPDIR and XDG_* of the whole run at one directory that ends with it.

    The path is short (sockets in it have 108 bytes) and readable by every user.
    """
    tmp_path_factory.getbasetemp()  # before TMPDIR changes: tmp_path is not a leftover
    root = Path(tempfile.mkdtemp(prefix="sp-", dir="/tmp"))
    root.chmod(0o755)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(TAG, uuid.uuid4().hex)
        environment.setattr(tempfile, "tempdir", None)
        for variable, folder in HOMES.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            environment.setenv(variable, str(root / folder))
        (root / "tmp").chmod(0o1777)
        (root / "run").chmod(0o700)
        yield root
    shutil.rmtree(root)


@pytest.fixture
def machine() -> None:
    """What is looked at before and after a test: the host; tests/network has its own."""


@pytest.fixture(autouse=True)
def nothing_left(private_home: Path, machine: None) -> Iterator[None]:
    """Fail a test that leaves an fd, process, mount, namespace, cgroup or file behind.

    What ends by itself is waited for, since the kernel reaps and unmounts in its own time,
    and a busy machine takes its time to clean up after a kill.
    """
    before = read_traces(private_home / "tmp")
    yield
    # A playground makes its process adopt orphans; the next test's are not for pytest to reap.
    HERE.prctl(PR_SET_CHILD_SUBREAPER, 0)
    lines: list[str] = []

    def clean() -> bool:
        lines[:] = read_traces(private_home / "tmp").difference(before)
        return not lines

    try:
        wait_for_condition(clean, timeout=30.0)
    except AssertionError:
        pytest.fail("left behind:\n  " + "\n  ".join(lines), pytrace=False)


@pytest.fixture(scope="session")
def ordinary_user(private_home: Path) -> OrdinaryUser:
    """An ordinary user that can run Python code, see tests.ordinary."""
    try:
        return find_ordinary_user(private_home)
    except NoOrdinaryUser as error:
        pytest.skip(str(error))


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """``wait_until(condition, what, timeout=10)``: see tests.waiting."""
    return wait_for_condition


@pytest.fixture
def container(playground: Playground) -> Container:
    """A container of that playground, named ``box``, with no fence."""
    return playground.new("box")


@pytest.fixture
def open_terminal(
    pexpect_factory: Callable[[], Pexpect], tmp_path: Path
) -> Iterator[Callable[..., Terminal]]:
    """``open_terminal(*arguments, term=, columns=, lines=, environment=)`` starts programs."""
    opened: list[Terminal] = []

    def start(*arguments: str, **options: Any) -> Terminal:  # noqa: ANN401 (passed on)
        log = tmp_path / f"terminal-{len(opened)}.log"
        terminal = start_terminal(pexpect_factory(), *arguments, log=log, **options)
        opened.append(terminal)
        return terminal

    yield start
    for terminal in opened:
        terminal.close()
        terminal.shell.logfile_read.close()


@pytest.fixture
def terminal(open_terminal: Callable[..., Terminal]) -> Terminal:
    """One running shellplay in a terminal, at its first prompt."""
    return open_terminal()
