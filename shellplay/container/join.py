"""Join the namespaces of a live bash with a stub, as setns(2) lets a process do."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import ExitStack

from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.kernel import credentials, namespaces
from shellplay.kernel.stub import Stub
from shellplay.shell.shell import Shell


def joined(
    stub: Stub,
    live: Shell,
    directory: str | None,
    stubs: ExitStack,
    without: Collection[str] = (),
) -> Stub:
    """Join the namespaces of a bash; return the stub that is inside, in a directory.

    ``without`` are the kinds of namespaces that it does not join.  ``stubs`` ends it and those
    before it; once it is a program that has no effect.  Raises KernelError if the kernel
    refuses it a namespace.
    """
    stubs.callback(stub.quit)
    # Before setns(2): a process with privileges inside could read its memory afterwards.
    stub.set_undumpable()
    now = namespaces.identities(stub.pid)
    there = namespaces.identities(live.pid).items()
    wanted = {kind: now[kind] if kind in without else found for kind, found in there}
    flags = sum(namespaces.CLONE_FLAGS[kind] for kind in wanted if wanted[kind] != now[kind])
    if flags:
        with stub.passed(live.pidfd) as number:
            # By a pidfd setns(2) joins all of them or none, in the order of the kernel.
            stub.setns(number, flags, of=live.pid)
        credentials.become_mapped(stub)
    if directory is None:
        _go_to_its_directory(stub, live)
    else:
        _go_to(stub, directory)
    if wanted["pid"] != now["pid"]:
        with stub.forked() as (copy, _):
            assert isinstance(copy, Stub)
        stubs.callback(copy.quit)
        stub.quit()
        stub = copy
    if namespaces.identities(stub.pid) != wanted:
        raise ShellplayError("the program did not get into every fence, so it was not run")
    return stub


def _go_to_its_directory(stub: Stub, live: Shell) -> None:
    # By descriptor: the directory of bash may be deleted, or below one that the stub may
    # not search, and then no path leads to it.
    path = f"/proc/{live.pid}/cwd"
    directory = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with stub.passed(directory) as number:
            stub.fchdir(number, of=path)
    finally:
        os.close(directory)


def _go_to(stub: Stub, directory: str) -> None:
    try:
        stub.chdir(directory)
    except KernelError as error:
        reason = os.strerror(error.errno)
        raise Refused(f"{directory} inside: {reason}", "-w with another one") from error
