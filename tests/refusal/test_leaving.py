"""What a line starts under ``why`` cannot leave the tracer, and is ended with it."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.refusal.answer import explain_line
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.ptrace,
    pytest.mark.everyone,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="calls of x86"),
]
# CLONE_UNTRACED | SIGCHLD in the flags; the child of a fork returns here, too, and sleeps.
CLONE = """
import ctypes
c = ctypes.CDLL(None)
if c.syscall(56, 0x800000 | 17, 0, 0, 0, 0) == 0:
    c.sleep(100)
"""
CLONE3 = """
import ctypes
c = ctypes.CDLL(None)
flags = (ctypes.c_uint64 * 11)(0x800000, 0, 0, 0, 17)
if c.syscall(435, flags, 88) == 0:
    c.sleep(100)
"""
# push rbx; mov eax, 120 (clone of i386); mov ebx, flags; xor the others; int 0x80; pop; ret
INT80 = """
import ctypes, mmap
c = ctypes.CDLL(None)
m = mmap.mmap(-1, 4096, prot=7)
m.write(bytes.fromhex("53 b878000000 bb11008000 31c9 31d2 31f6 31ff cd80 5b c3"))
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
if call() == 0:
    c.sleep(100)
"""


@pytest.mark.parametrize("program", [CLONE, CLONE3, INT80], ids=["clone", "clone3", "int80"])
def test_no_process_leaves_the_tracer(
    container: Container, tmp_path: Path, program: str
) -> None:
    path = tmp_path / "program"
    path.write_text(program)
    line = f"/usr/bin/python3 -I {path}"
    found = explain_line(container.trials, line, may_change=True, timeout=20.0)
    assert found.held_back is not None or program == CLONE3, found
    wait_until(lambda: len(container.members()) == 1, "the end of all that the line started")
    assert container.run("echo $((6 * 7))").output == "42\n"
