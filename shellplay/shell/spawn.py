"""Start a bash on a terminal: a stub becomes a session leader, and then the bash."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from shellplay.errors import Refused, TimedOut
from shellplay.kernel.proc_write import set_command_line
from shellplay.kernel.stub import Stub
from shellplay.shell.bash_rc import rc_text
from shellplay.shell.shell import Shell
from shellplay.shell.terminal import Terminal

START_TIMEOUT = 15.0
# Variables of our environment that would change the start, the prompt or the end of bash.
REMOVED = (
    *("BASH_ENV", "ENV", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS4", "HISTFILE"),
    *("COLUMNS", "LINES", "SHELLOPTS", "BASHOPTS", "OLDPWD", "INPUTRC", "POSIXLY_CORRECT"),
    "TMOUT",
)


def start_bash(
    stub: Stub,
    terminal: Terminal,
    *,
    user_file: bool,
    path: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Shell:
    """Turn a stub into an interactive bash on ``terminal``, and wait for its first prompt.

    With ``user_file`` it reads ~/.bashrc.  ``path`` None is the bash of the host.
    ``environment`` None is our environment.  The rc file is a memfd, so no file is left on
    disk.  Raises Refused if there is no bash, KernelError if execve(2) fails, TimedOut if bash
    shows no prompt; in each case the process is killed.
    """
    shell = Shell(stub.pid)
    try:
        _become_bash(stub, terminal, path, environment, user_file=user_file)
        _await_first_prompt(terminal, shell, user_file=user_file)
    except BaseException:
        shell.kill()
        shell.close()
        raise
    # Hide the path of the rc file in ps(1).  Where ptrace(2) is refused, the kernel refuses
    # this, too, and ps shows the path.
    with suppress(OSError):
        set_command_line(shell.pid, "bash")
    return shell


def _await_first_prompt(terminal: Terminal, shell: Shell, *, user_file: bool) -> None:
    try:
        terminal.await_prompt(timeout=START_TIMEOUT, alive=shell.pidfd)
    except TimedOut as error:
        raise TimedOut(
            f"bash has shown no prompt for {START_TIMEOUT:g} seconds",
            "set bashrc off" if user_file else None,
        ) from error


def take_terminal(stub: Stub, terminal: Terminal, owner: int = 0) -> None:
    """Make a terminal the controlling terminal and the standard streams of a stub.

    The stub starts a new session.  ``owner`` is the UID that may open the terminal by its
    path.
    """
    if owner:
        os.chown(terminal.path, owner, -1)
    stub.setsid()
    slave = terminal.slave_for(stub)
    stub.take_terminal(slave)
    for stream in range(3):
        stub.dup3(slave, stream)


def _become_bash(
    stub: Stub,
    terminal: Terminal,
    path: str | None,
    environment: Mapping[str, str] | None,
    *,
    user_file: bool,
) -> None:
    bash = path or _on_path("bash")
    if bash is None:
        raise Refused("there is no bash on this machine", "apt-get install bash")
    take_terminal(stub, terminal)
    reports_lines = terminal.reports_lines
    rc = _rc_file(stub, terminal.nonce, user_file=user_file, reports_lines=reports_lines)
    removed = [*REMOVED, *(name for name in os.environ if name.startswith("SHELLPLAY_"))]
    stub.execute(
        [bash, "--rcfile", f"/proc/self/fd/{rc}", "-i"],
        change={"TERM": terminal.term} if environment is None else dict(environment),
        remove=removed if environment is None else (),
        keep=[rc],
        fresh=environment is not None,
    )


def _rc_file(stub: Stub, nonce: str, *, user_file: bool, reports_lines: bool) -> int:
    ours = os.memfd_create("shellplay-rc", os.MFD_CLOEXEC)
    try:
        number = stub.give(ours)
        text = rc_text(nonce, user_file=user_file, reports_lines=reports_lines, close=number)
        os.write(ours, text.encode())
        return number
    finally:
        os.close(ours)


def _on_path(name: str) -> str | None:
    """Return the path of a program, as execvp(3) finds it, or None; shutil loads slowly."""
    for directory in os.get_exec_path():
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
