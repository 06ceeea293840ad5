"""A call that is denied has no second way in: other numbers, other calls, other programs."""

from __future__ import annotations

import errno
import os
import platform
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from tests.hostile.attacks import script

pytestmark = pytest.mark.everyone
IO_URING_SETUP = 425
KEYCTL, BPF = {"x86_64": 250, "aarch64": 219}, {"x86_64": 321, "aarch64": 280}
RING = f"""
import ctypes
library = ctypes.CDLL(None, use_errno=True)
made = library.syscall({IO_URING_SETUP}, 1, ctypes.create_string_buffer(120))
print(0 if made >= 0 else ctypes.get_errno())
"""
# mkdir(2) by its number of x32.
X32 = """
import ctypes, sys
library = ctypes.CDLL(None, use_errno=True)
library.syscall(83 | 0x40000000, sys.argv[1].encode(), 0o755)
"""


def ring(container: Container, tmp_path: Path) -> int:
    """Return the errno of a program inside that asks for a ring, 0 if it gets one."""
    look = script(tmp_path / "ring", RING)
    return int(container.run(str(look)).output)


@pytest.mark.parametrize("action", ["EPERM", "kill"])
def test_a_ring_is_no_way_around_a_list_of_denied_calls(
    action: str, container: Container, tmp_path: Path
) -> None:
    if ring(container, tmp_path):
        pytest.skip("this kernel makes no rings (kernel.io_uring_disabled)")
    container.fence(REGISTRY["seccomp"].parse({"deny": "mkdir,mkdirat", "action": action}))
    assert ring(container, tmp_path) == errno.EPERM


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x32 is a way of x86_64")
def test_the_numbers_of_x32_are_no_way_around(container: Container, tmp_path: Path) -> None:
    look, place = script(tmp_path / "x32", X32), tmp_path / "made"
    container.fence(REGISTRY["seccomp"].parse({"deny": "mkdir,mkdirat"}))
    container.run(f"{look} {place}")
    assert not place.exists()


@pytest.mark.parametrize(
    "line",
    [
        "unshare --user true",
        "unshare --user --map-root-user --mount mount -t tmpfs none /mnt",
        "nsenter --target 1 --mount true",
        "python3 -c 'import os; os.unshare(0x10000000)'",
        "mount -t tmpfs none /mnt",
    ],
)
def test_dockers_profile_leaves_no_way_to_new_namespaces(
    line: str, container: Container
) -> None:
    """CVE-2022-0185 and others begin with privileges in a user namespace of one's own."""
    container.fence(REGISTRY["mnt"]())
    container.fence(REGISTRY["caps"]())
    container.fence(REGISTRY["seccomp"]())
    assert container.run(line).status != 0
    assert container.run("echo alive").output == "alive\n"


@pytest.mark.parametrize("numbers", [KEYCTL, BPF, {platform.machine(): IO_URING_SETUP}])
def test_dockers_profile_leaves_no_call_that_it_does_not_name(
    numbers: dict[str, int], container: Container, tmp_path: Path
) -> None:
    container.fence(REGISTRY["caps"]())
    container.fence(REGISTRY["seccomp"]())
    text = (
        "import ctypes\nlibrary = ctypes.CDLL(None, use_errno=True)\n"
        f"library.syscall({numbers[platform.machine()]}, 0, 0, 0)\nprint(ctypes.get_errno())"
    )
    said = container.run(str(script(tmp_path / "look", text))).output
    assert os.strerror(int(said)) == os.strerror(errno.EPERM)


def test_userns_lock_leaves_no_user_namespace(container: Container) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["userns-lock"]())
    assert container.run("unshare --user true").status != 0
