"""The /proc readers: pure parsers on recorded bytes, readers on live processes."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
from collections.abc import Callable

from shellplay.kernel import idmap, mountinfo, procfs
from shellplay.kernel.cgroup import hierarchies

STATUS = b"""Name:\ta b) R\\n
Umask:\t0022
State:\tT (stopped)
Tgid:\t4242
Pid:\t4242
PPid:\t4201
TracerPid:\t77
Uid:\t1000\t1001\t1001\t1001
Gid:\t1000\t1000\t1000\t1000
NStgid:\t4242\t17\t1
NSpid:\t4242\t17\t1
NSpgid:\t4242\t17\t1
NSsid:\t4201\t0\t0
VmRSS:\t    1764 kB
Threads:\t3
CapEff:\t000001fffeffffff
CapBnd:\t00000000a80425fb
NoNewPrivs:\t1
Seccomp:\t2
"""
STAT = (
    b"4242 (a) (b c) T 4201 4242 4201 34816 4242 4194304 98 0 0 0 0 0 0 0 20 0 1 0 162442 3 4"
    + b" 0" * 27
    + b" 256\n"
)
MOUNTINFO = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
71 27 8:1 /a\040b /mnt/x\134y rw,nosuid shared:5 master:2 - ext4 /dev/sda1 rw,errors=remount-ro
80 27 0:5 / /empty rw - tmpfs  rw
"""


def test_a_status_is_parsed_with_every_pid_from_the_outside_in() -> None:
    status = procfs.Status(STATUS)
    assert (status.name, status.state) == ("a b) R\\n", "T")
    assert (status.pid, status.ppid, status.tracer) == (4242, 4201, 77)
    assert (status.uid, status.effective_uid) == (1000, 1001)
    assert status.pids == (4242, 17, 1)
    assert (status.groups, status.sessions) == ((4242, 17, 1), (4201, 0, 0))
    assert (status.threads, status.rss) == (3, 1764)
    assert (status.effective, status.bounding) == (0x1FFFEFFFFFF, 0xA80425FB)
    assert (status.no_new_privs, status.seccomp) == (True, 2)


def test_a_status_without_the_newer_fields_still_has_its_pid() -> None:
    lines = STATUS.splitlines(keepends=True)
    old = b"".join(line for line in lines if not line.startswith((b"NS", b"Vm", b"Sec")))
    status = procfs.Status(old)
    assert (status.pids, status.rss, status.seccomp) == ((4242,), 0, 0)


def test_an_auxiliary_vector_says_where_the_program_headers_are() -> None:
    content = struct.pack("4N", 3, 0x55D0C0A00040, 0, 0)
    assert procfs.parse_auxiliary(content) == {3: 0x55D0C0A00040, 0: 0}
    entry = procfs.auxiliary(os.getpid())
    assert entry[6] == os.sysconf("SC_PAGE_SIZE")


def test_ps_needs_only_a_part_of_a_status() -> None:
    identity = procfs.Status(STATUS)
    assert (identity.name, identity.state) == ("a b) R\\n", "T")
    assert (identity.ppid, identity.uid, identity.pids) == (4201, 1000, (4242, 17, 1))
    old = b"".join(line for line in STATUS.splitlines(keepends=True) if line[:2] != b"NS")
    assert procfs.Status(old).pids == (4242,)


def test_a_stat_is_parsed_behind_the_last_parenthesis_of_the_name() -> None:
    stat = procfs.Stat(STAT)
    assert (stat.pid, stat.name, stat.state) == (4242, "a) (b c", "T")
    assert (stat.ppid, stat.group, stat.session) == (4201, 4242, 4201)
    assert (stat.terminal, stat.foreground, stat.start) == (34816, 4242, 162442)
    assert (stat.executed, stat.wait_status) == (True, 256)
    assert not procfs.Stat(STAT.replace(b" 4194304 ", b" 4194368 ")).executed


def test_arguments_keep_empty_words_and_bytes_that_are_not_utf_8() -> None:
    assert procfs.parse_arguments(b"sh\0-c\0\0x\xff\0") == ("sh", "-c", "", "x\udcff")
    assert procfs.parse_arguments(b"") == ()


def test_mounts_are_parsed_with_their_blanks_and_propagation() -> None:
    proc, disk, empty = mountinfo.parse_mountinfo(MOUNTINFO)
    assert (proc.kind, proc.point, proc.propagation) == ("proc", "/proc", ())
    assert (disk.root, disk.point, disk.device) == ("/a b", "/mnt/x\\y", "8:1")
    assert disk.propagation == ("shared:5", "master:2")
    assert disk.super_options == ("rw", "errors=remount-ro")
    assert (empty.source, empty.super_options) == ("", ("rw",))


def test_cgroups_of_both_versions_are_parsed() -> None:
    legacy, unified = hierarchies.parse_memberships(b"4:cpu,cpuacct:/a:b\n0::/c\n")
    assert legacy == (4, ("cpu", "cpuacct"), "/a:b")
    assert unified == (0, (), "/c")


def test_a_map_is_parsed_in_ranges() -> None:
    ranges = idmap.parse_map(b"         0       1000          1\n 1 100000 65536\n")
    assert ranges == [idmap.MapRange(0, 1000, 1), idmap.MapRange(1, 100000, 65536)]
    assert idmap.parse_map(b"") == []


def test_this_process_reads_itself() -> None:
    status, stat = procfs.status("self"), procfs.stat("self")
    assert status is not None
    assert stat is not None
    assert (status.pid, status.ppid) == (stat.pid, stat.ppid) == (os.getpid(), os.getppid())
    assert status.effective_uid == os.geteuid()
    assert os.getpid() in procfs.pids()
    assert stat.pid in {each.pid for each in procfs.stats()}
    assert procfs.arguments("self")
    assert any(mount.point == "/proc" for mount in mountinfo.mounts() or ())
    assert hierarchies.memberships()
    assert idmap.uid_map()
    assert idmap.gid_map()


def test_open_descriptors_are_named() -> None:
    reader, writer = os.pipe()
    try:
        found = procfs.fds()
        assert found[reader].startswith("pipe:[")
        assert found[reader] == found[writer]
    finally:
        os.close(reader)
        os.close(writer)
    assert reader not in procfs.fds()


def test_a_child_is_found_and_absent_once_it_has_gone(
    wait_until: Callable[..., object],
) -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        assert child.pid in procfs.children(os.getpid())
        child.kill()
        wait_until(lambda: (found := procfs.stat(child.pid)) and found.state == "Z")
        assert procfs.arguments(child.pid) == ()
        child.wait()
    assert child.returncode == -signal.SIGKILL
    assert child.pid not in procfs.children(os.getpid())
    assert procfs.status(child.pid) is None
    assert procfs.stat(child.pid) is None
    assert procfs.arguments(child.pid) is None
    assert mountinfo.mounts(child.pid) is None
    assert procfs.children(child.pid) == []
    assert procfs.fds(child.pid) == {}
