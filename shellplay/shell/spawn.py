"""Start a bash on a terminal: a stub becomes a session leader, and then the bash."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from shellplay.errors import Refused, TimedOut
from shellplay.kernel.host_program import HostProgram, opened
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


@contextmanager
def host_bash() -> Iterator[HostProgram]:
    """Open the first bash in our PATH whose file cannot be changed from inside, for the block.

    Raises Refused if there is none.
    """
    refusal = Refused("there is no bash on this machine", "apt-get install bash")
    for directory in os.get_exec_path():
        path = os.path.join(directory, "bash")
        if not (os.path.isfile(path) and os.access(path, os.X_OK)):
            continue
        with ExitStack() as held:
            try:
                bash = held.enter_context(opened(path))
            except Refused as error:
                refusal = error
                continue
            if bash.finds_its_libraries():
                yield bash
                return
            refusal = Refused(
                f"programs inside could change {path}, and a copy of it finds no libraries",
                "put a bash that root owns into PATH",
            )
    raise refusal


def start_bash(
    stub: Stub,
    terminal: Terminal,
    bash: HostProgram | str,
    *,
    user_file: bool,
    environment: Mapping[str, str] | None = None,
) -> Shell:
    """Turn a stub into an interactive bash on ``terminal``, and wait for its first prompt.

    A word for ``bash`` is looked up in PATH, inside.  With ``user_file`` it reads ~/.bashrc.
    ``environment`` None is our environment.  The rc file is a memfd, so no file is left on
    disk.  Raises KernelError if execve(2) fails, TimedOut if bash shows no prompt; in each
    case the process is killed.
    """
    shell = Shell(stub.pid, terminal)
    try:
        _become_bash(stub, terminal, bash, environment, user_file=user_file)
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
        terminal.give_to(owner)
    stub.setsid()
    slave = terminal.slave_for(stub)
    stub.take_terminal(slave)
    for stream in range(3):
        stub.dup3(slave, stream)


def _become_bash(
    stub: Stub,
    terminal: Terminal,
    bash: HostProgram | str,
    environment: Mapping[str, str] | None,
    *,
    user_file: bool,
) -> None:
    take_terminal(stub, terminal)
    word, program = (bash.path, bash) if isinstance(bash, HostProgram) else (bash, None)
    renames = program is not None and program.fd is not None
    rc = _rc_file(stub, terminal, user_file=user_file, renames=renames)
    removed = [*REMOVED, *(name for name in os.environ if name.startswith("SHELLPLAY_"))]
    stub.execute(
        [word, "--rcfile", f"/proc/self/fd/{rc}", "-i"],
        program=program,
        change={"TERM": terminal.term} if environment is None else dict(environment),
        remove=removed if environment is None else (),
        keep=[rc],
        fresh=environment is not None,
    )


def _rc_file(stub: Stub, terminal: Terminal, *, user_file: bool, renames: bool) -> int:
    ours = os.memfd_create("shellplay-rc", os.MFD_CLOEXEC)
    try:
        number = stub.give(ours)
        text = rc_text(
            terminal.nonce, terminal.key,
            user_file=user_file, reports_lines=terminal.reports_lines,
            close=number, renames=renames,
        )  # fmt: skip
        os.write(ours, text.encode())
        return number
    finally:
        os.close(ours)
