"""Each warning of run is true: with the option a program can do it, and without it cannot."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.program.conftest import Run

pytestmark = pytest.mark.root
PLAIN = "run -q --rm --network none"
# name_to_handle_at(2), struct file_handle: bytes, type, and at most 128 bytes.
HANDLE_SIZE, AT_FDCWD = 128, -100
OPEN_BY_HANDLE = """
import ctypes, os, struct, sys
handle = bytes.fromhex(sys.argv[2])
mount = os.open(sys.argv[1], os.O_RDONLY)
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.open_by_handle_at(mount, ctypes.create_string_buffer(handle), os.O_RDONLY)
print(os.read(fd, 99).decode() if fd >= 0 else os.strerror(ctypes.get_errno()))
"""


def handle_of(path: Path) -> bytes:
    """Return the handle of a file, by which it can be opened without its path."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(HANDLE_SIZE.to_bytes(4, "little"), 8 + HANDLE_SIZE)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(AT_FDCWD, bytes(path), buffer, ctypes.byref(mount), 0):
        pytest.skip(f"{path} has no handle: {os.strerror(ctypes.get_errno())}")
    return buffer.raw[: 8 + int.from_bytes(buffer.raw[:4], "little")]


@pytest.mark.parametrize("option", ["--cap-add SYS_ADMIN", "--cap-add ALL", "--privileged"])
def test_sys_admin_leads_to_the_settings_and_devices_of_the_host(option: str, run: Run) -> None:
    script = (
        "exec 2>/dev/null; mkdir /p /m;"
        "mount -t proc proc /p && test -w /p/sys/kernel/core_pattern && echo set;"
        "mount -t tmpfs -o dev none /m && mknod /m/n c 1 3 && : </m/n && echo device"
    )
    assert run(f"{PLAIN} {option} host sh -c '{script}'").printed == "set\ndevice\n"
    assert run(f"{PLAIN} host sh -c '{script}'").printed == ""


def test_dac_read_search_opens_a_file_that_no_path_leads_to(run: Run, tmp_path: Path) -> None:
    """The way of "shocker": open_by_handle_at(2)."""
    secret, shared = tmp_path / "secret", tmp_path / "shared"
    secret.write_text("a secret of the host")
    shared.mkdir()
    program = shared / "open.py"
    program.write_text(OPEN_BY_HANDLE)
    words = f"-v {shared}:/s host python3 /s/open.py /s {handle_of(secret).hex()}"
    assert "a secret" in run(f"{PLAIN} --cap-add DAC_READ_SEARCH {words}").printed
    assert run(f"{PLAIN} {words}").printed == "Operation not permitted\n"


def test_sys_ptrace_reads_the_memory_of_another_user_inside(run: Run) -> None:
    script = (
        "setpriv --reuid 77 env SECRET=1 sleep 9 & sleep 0.2; tr '\\0' '\\n' </proc/$!/environ"
    )
    assert "SECRET=1" in run(f'{PLAIN} --cap-add SYS_PTRACE host sh -c "{script}"').printed
    assert "SECRET=1" not in run(f'{PLAIN} host sh -c "{script} 2>/dev/null"').printed


def test_syslog_reads_the_log_of_the_kernel(run: Run) -> None:
    script = "import ctypes; print(ctypes.CDLL(None).klogctl(10, None, 0) > 0)"
    assert run(f"{PLAIN} --cap-add SYSLOG host python3 -c '{script}'").printed == "True\n"
    assert run(f"{PLAIN} host python3 -c '{script}'").printed == "False\n"


def test_net_admin_with_the_network_of_the_host_changes_its_interfaces(run: Run) -> None:
    # The loopback is up already, so nothing changes.
    words = "host ip link set lo up"
    allowed = run(f"run -q --rm --network host --cap-add NET_ADMIN {words}")
    assert allowed.status == 0
    assert run(f"run -q --rm --network host {words}").status != 0


def test_with_the_processes_of_the_host_a_program_ends_one(run: Run) -> None:
    with subprocess.Popen(["sleep", "99"]) as victim:
        line = f"host sh -c 'kill {victim.pid}'"
        assert run(f"{PLAIN} {line}").status != 0
        assert victim.poll() is None
        assert run(f"{PLAIN} --pid host {line}").status == 0
        assert victim.wait(10) == -15


def test_with_the_network_of_the_host_its_loopback_is_reached(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        words = f"host bash -c '</dev/tcp/127.0.0.1/{port}'"
        assert run(f"run -q --rm --network host {words}").status == 0
        assert run(f"{PLAIN} {words}").status != 0


def test_with_all_files_of_the_host_a_program_changes_one(run: Run, tmp_path: Path) -> None:
    victim = tmp_path / "file"
    victim.write_text("before\n")
    run(f"{PLAIN} -v /:/h:ro host sh -c 'echo ro >/h{victim}'")
    assert victim.read_text() == "before\n"
    run(f"{PLAIN} -v /:/h host sh -c 'echo after >/h{victim}'")
    assert victim.read_text() == "after\n"


def test_the_settings_of_the_kernel_can_be_written_where_proc_is_shared(run: Run) -> None:
    script = "test -w {}/kernel/core_pattern"
    assert run(f"{PLAIN} -v /proc/sys:/p host {script.format('/p')}").status == 0
    assert run(f"{PLAIN} host {script.format('/proc/sys')}").status != 0


def test_a_disk_that_is_given_can_be_read(run: Run) -> None:
    disk = next((each for each in Path("/dev").iterdir() if each.is_block_device()), None)
    if disk is None:
        pytest.skip("this machine has no disk in /dev")
    script = f"exec 3<{disk}"
    assert run(f'{PLAIN} --device {disk} host bash -c "{script}"').status == 0
    assert run(f'{PLAIN} host bash -c "{script}"').status != 0
