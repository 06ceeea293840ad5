"""Nothing inside types into a bash outside (CVE-2017-5226, CVE-2016-2779)."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, ShellplayError
from shellplay.fences import REGISTRY
from shellplay.fences.seccomp import Seccomp
from shellplay.kernel import procfs
from shellplay.kernel.architecture import native
from shellplay.model import ShellState
from shellplay.playground.playground import Playground
from tests.hostile.attacks import injector, needs_injection, script
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
OUTSIDE = re.compile(r"NoNewPrivs:\s*0")
A_MOMENT = 0.5
TIOCSTI, TIOCLINUX = 0x5412, 0x541C


def typed(proof: Path) -> str:
    """Return what an attacker types: a line that writes down where it was executed."""
    return f"grep NoNewPrivs /proc/self/status >>{proof}\n"


def executed_outside(proof: Path) -> bool:
    """Tell, after a moment, whether the line was executed outside of the fence."""
    deadline = time.monotonic() + A_MOMENT
    with suppress(AssertionError):
        wait_until(proof.exists, "a line is executed", timeout=A_MOMENT)
        wait_until(
            lambda: OUTSIDE.search(proof.read_text()), timeout=deadline - time.monotonic()
        )
        return True
    return False


def test_a_program_ends_bash_and_types_for_the_one_outside(
    container: Container, tmp_path: Path
) -> None:
    needs_injection()
    proof = tmp_path / "proof"
    evil = injector(tmp_path / "evil", f"exit\n{typed(proof)}")
    container.fence(REGISTRY["nnp"]())
    with suppress(ShellplayError):
        container.run(str(evil))
    assert not executed_outside(proof)


def test_a_program_kills_bash_and_types_for_the_one_outside(
    container: Container, tmp_path: Path
) -> None:
    needs_injection()
    proof = tmp_path / "proof"
    evil = injector(tmp_path / "evil", typed(proof))
    container.fence(REGISTRY["nnp"]())
    with suppress(ShellplayError):
        container.run(f"exec {evil}")
    assert not executed_outside(proof)


def test_an_orphan_types_after_the_peel(container: Container, tmp_path: Path) -> None:
    needs_injection()
    proof, go = tmp_path / "proof", tmp_path / "go"
    evil = injector(tmp_path / "evil", typed(proof), after=go)
    container.fence(REGISTRY["nnp"]())
    container.run(str(evil))
    wait_until(go.with_suffix(".ready").exists, "the orphan waits")
    try:
        with suppress(Refused):
            container.peel("nnp")
        go.touch()
        assert not executed_outside(proof)
    finally:
        go.touch()


def test_a_program_continues_the_bash_outside(container: Container) -> None:
    """Behind ``nnp`` alone the processes outside are seen: the peel goes on all the same."""
    outside = container.pid
    container.fence(REGISTRY["nnp"]())
    container.run(f"data=kept; kill -CONT {outside}")
    container.peel("nnp")
    assert container.pid == outside
    assert container.run("echo $data").output == "kept\n"


@pytest.mark.parametrize(
    "call",
    [
        "fcntl.ioctl(terminal, termios.TIOCEXCL)",
        "termios.tcflow(terminal, termios.TCOOFF)",
        # Each control character is e, and nothing is shown.
        "modes = termios.tcgetattr(terminal); modes[3] = termios.ISIG | termios.ICANON; "
        "modes[6] = [b'e'] * len(modes[6]); termios.tcsetattr(terminal, 0, modes)",
        # N_NULL, the line discipline that reads and writes nothing.
        "fcntl.ioctl(terminal, termios.TIOCSETD, struct.pack('i', 27))",
    ],
)
def test_a_program_closes_the_terminal_outside(
    call: str, container: Container, tmp_path: Path
) -> None:
    evil = script(
        tmp_path / "evil",
        "import fcntl, os, struct, termios\n"
        f"terminal = os.open({container.terminal.path!r}, os.O_RDWR | os.O_NOCTTY)\n{call}",
    )
    container.fence(REGISTRY["nnp"]())
    assert container.run(str(evil)).status == 0
    container.peel("nnp")
    assert container.run("echo here").output == "here\n"
    container.fence(REGISTRY["nnp"]())


@pytest.mark.root
@pytest.mark.parametrize("whose", ["outside", "inside"])
def test_a_program_takes_the_terminal_of_another_session(
    whose: str, container: Container, tmp_path: Path
) -> None:
    """With CAP_SYS_ADMIN it can steal one, TIOCSCTTY(2const)."""
    outside = container.terminal.path
    container.fence(REGISTRY["nnp"]())
    path = outside if whose == "outside" else container.terminal.path
    evil = script(
        tmp_path / "evil",
        "import fcntl, os, termios\n"
        "if os.fork(): os.wait(); os._exit(0)\n"
        f"os.setsid(); terminal = os.open({path!r}, os.O_RDWR | os.O_NOCTTY)\n"
        "fcntl.ioctl(terminal, termios.TIOCSCTTY, 1)",
    )
    assert container.run(str(evil)).status == 0
    for kind in ("mnt", "dev"):
        container.fence(REGISTRY[kind]())
    container.peel("nnp", force=True)
    assert container.run("true | cat; echo here").output == "here\n"
    stat = procfs.stat(container.pid)
    assert stat is not None
    assert stat.terminal == Path(outside).stat().st_rdev


@pytest.mark.parametrize("request_number", [TIOCSTI, 0x1_0000_0000 | TIOCSTI, TIOCLINUX])
def test_dockers_profile_lets_nobody_type(
    request_number: int, container: Container, tmp_path: Path
) -> None:
    """The kernel takes the low 32 bits of a request (CVE-2019-7303, CVE-2019-10063)."""
    container.fence(Seccomp(preset="docker"))
    look = script(
        tmp_path / "look",
        "import ctypes, os\n"
        "c = ctypes.CDLL(None, use_errno=True)\n"
        f"c.syscall({native().number('ioctl')}, 99, ctypes.c_ulong({request_number}), b'x')\n"
        "print(os.strerror(ctypes.get_errno()))",
    )
    # Without a filter: 99 is not a descriptor.
    assert container.run(str(look)).output == "Operation not permitted\n"


def test_a_program_that_closes_its_terminal_leaves_bash_alive(container: Container) -> None:
    container.run("sh -c 'exec 0<&- 1>&- 2>&-'")
    assert container.run("echo here").output == "here\n"


def test_a_program_that_is_deaf_is_ended_with_its_container(
    container: Container, playground: Playground
) -> None:
    container.run("(trap '' HUP INT TERM QUIT TSTP TTIN TTOU; sleep 1000 & disown)")
    wait_until(lambda: container.state is ShellState.IDLE)
    playground.stop(container)
    wait_until(lambda: not container.live.alive)


def test_the_terminal_that_is_entered_is_never_given_inside(container: Container) -> None:
    """Two readers of one terminal share what is typed: ours stays outside."""
    theirs = Path(f"/proc/{container.pid}/fd/0").readlink()
    assert theirs == Path(container.terminal.path)
    with suppress(OSError):
        assert str(theirs) != os.ttyname(0)
