"""run: what docker run does, seen from inside and from the host, and how it ends."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from shellplay.fences import docker
from shellplay.fences.index import FENCES
from shellplay.kernel import procfs
from shellplay.model import ShellState
from shellplay.network import rootless
from shellplay.playground.playground import Playground
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone


def test_a_program_is_number_1_behind_every_fence_of_docker(
    run: Run, playground: Playground
) -> None:
    said = run("run --hostname web host sh -c 'echo $$ $(hostname) $0; umask; pwd'")
    assert said.printed == "1 web sh\n0022\n/\n"
    assert said.status == 0
    for kind in docker.preset():
        assert f"{kind} fence is up: {FENCES[kind].effect}\n" in said.told
    (container,) = playground.containers
    assert container.state is ShellState.DEAD


def test_why_nothing_leads_out_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(rootless, "TUN", Path("/nowhere"))
    assert "  nothing leads out of net: " in run("run host true").told
    assert "nothing leads out" not in run("run --network none host true").told


def test_its_output_and_its_errors_come_out_and_its_status_counts(
    run: Run, playground: Playground
) -> None:
    said = run("run -q host sh -c 'echo out; echo err >&2; exit 3'")
    assert sorted(said.printed.split()) == ["err", "out"]
    assert "exit status 3" in said.told
    (container,) = playground.containers
    assert container.process is not None
    assert container.process.exit_status == 3
    assert "out\n" in run("logs").told


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("nowhere-to-be-found", 127),
        ("/nowhere/at/all", 127),
        ("/etc/passwd", 126),
        ("/etc", 126),
        ("''", 127),
    ],
)
def test_what_cannot_be_executed_is_told_as_a_shell_does(
    run: Run, playground: Playground, command: str, status: int
) -> None:
    said = run(f"run -q host {command}")
    assert said.status == status
    assert command in said.told
    assert playground.containers == []


def test_a_signal_that_ends_it_is_128_and_its_number(run: Run, playground: Playground) -> None:
    run("run -q host sh -c 'kill -9 $$; sleep 1; (kill -9 $BASHPID)'")
    run("run -dq --name sleeper --init host sleep 1000")
    told = run("stop -t 5 sleeper").told
    assert "sleeper: exit status 143" in told
    assert "sleeper: removed" in run("rm sleeper").told


def test_a_bash_on_a_terminal_is_a_live_bash(run: Run, playground: Playground) -> None:
    run("run -itq --hostname web host bash")
    container = playground.current
    assert container is not None
    assert container.has_bash
    assert container.run("echo $$ $HOSTNAME $TERM; tty").output == (
        f"1 web {container.terminal.term}\n/dev/console\n"
    )
    before = container.pid
    assert run("peel caps").status == 0
    assert container.pid != before
    assert container.run("echo $HOSTNAME").output == "web\n"


def test_a_live_bash_sees_the_interfaces_inside(run: Run, playground: Playground) -> None:
    run("run -itq --name web --network none host bash")
    container = playground.find("web")
    assert container.run("ls /sys/class/net").output == "lo\n"
    assert run("peel sys").status == 0
    host = sorted(each.name for each in Path("/sys/class/net").iterdir())
    assert container.run("ls -1 /sys/class/net").output.split() == host


@pytest.mark.parametrize("first", ["caps", "sys", "proc", "dev", "seccomp"])
def test_every_fence_of_a_live_bash_can_be_peeled(
    run: Run, playground: Playground, first: str
) -> None:
    run("run -itq --name web host bash")
    container = playground.find("web")
    said = run(f"peel {first} -f")
    assert said.status == 0, said.told
    assert first not in [each.fence for each in container.fences() if each.up]
    assert container.run("ls /proc/self/fd /sys/kernel /dev/null >/dev/null").status == 0
    assert run("peel all -f").status == 0
    assert not [each.fence for each in container.fences() if each.up]


def test_where_no_bash_is_nothing_is_typed_and_nothing_forks(run: Run) -> None:
    run("run -dq --name back host sleep 1000")
    for line in ("in ls", "fence nnp", "peel uts", "spawn ls"):
        told = run(line).told
        assert "back runs sleep 1000, and no bash (exec CMD runs beside it)" in told


def test_a_filter_may_deny_all_that_a_start_has_behind_it(run: Run, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    denied = {"names": ["prctl"], "action": "SCMP_ACT_ERRNO"}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [denied]}))
    options = f"--network none --init --cap-add ALL --security-opt seccomp={profile}"
    assert run(f"run -q {options} host echo begun").printed == "begun\n"


def test_an_init_reaps_what_the_program_leaves_behind(run: Run) -> None:
    run("run -dq --init --name tidy host sh -c '(sleep 0.1 &); exec sleep 1000'")
    line = "exec sh -c 'for p in /proc/[0-9]*; do cat $p/stat; done'"
    wait_until(lambda: run(line).printed.count("(sleep)") == 1, "the end of the other one")
    assert " Z " not in run(line).printed


def test_files_are_mounted_and_those_to_read_stay(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    source = tmp_path / "src"
    source.mkdir()
    (source / "kept").write_text("of the host\n")
    said = run(
        f"run -q -v {source}:/src:ro -v {source}:/made/here --tmpfs /memory:size=1m host "
        "sh -c 'cat /src/kept; touch /src/new; echo x >/made/here/new; df -k /memory; pwd'"
    )
    assert "of the host\n" in said.printed
    assert "Read-only file system" in said.printed
    assert " 1024 " in said.printed
    assert (source / "new").read_text() == "x\n"
    assert not Path("/src").exists()


def test_a_memory_can_lie_in_what_is_mounted(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    mounts = f"-v {tmp_path}:/a --tmpfs /a/memory:size=1m,exec --mount type=tmpfs,target=/b"
    said = run(
        f"run -q {mounts} host sh -c 'df -k /a/memory; grep -E \" /a/memory| /b\" /proc/mounts'"
    )
    assert " 1024 " in said.printed
    inner, other = said.printed.splitlines()[-2:]
    assert "noexec" not in inner
    assert "nosuid" in inner
    assert "noexec" in other


def test_a_directory_takes_the_place_of_no_file(run: Run, tmp_path: Path) -> None:
    said = run(f"run -q -v {tmp_path}:/etc/passwd host true")
    assert "one of them is a directory, and the other is not" in said.told


@pytest.mark.parametrize("line", ["run -q {} host true", "run -dq {} host sleep 9; exec true"])
def test_few_open_files_are_enough(run: Run, line: str) -> None:
    assert run(line.format("--network none --ulimit nofile=8")).status == 0


def test_a_root_to_read_only_takes_mounts_and_nothing_else(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    said = run(
        f"run -q --read-only -v {tmp_path}:/data -w /work/dir --tmpfs /scratch host "
        "sh -c 'pwd; touch /data/new /scratch/new && touch /new'"
    )
    assert said.printed.startswith("/work/dir\n")
    assert "/new': Read-only file system" in said.printed
    assert (tmp_path / "new").exists()


def test_it_leaves_no_way_to_what_is_below_its_mounts(run: Run) -> None:
    said = run("run -q host sh -c 'cut -d\" \" -f2 /proc/mounts'")
    points = said.printed.splitlines()
    for target in ("/", "/proc", "/sys", "/dev"):
        assert points.count(target) == 1, target


def test_no_signal_is_ignored_or_waits_inside(run: Run) -> None:
    said = run("run -q host grep -E Sig[BI] /proc/self/status")
    assert said.printed == f"SigBlk:\t{0:016x}\nSigIgn:\t{0:016x}\n"


def test_no_descriptor_of_ours_is_open_inside(run: Run) -> None:
    said = run("run -q host sh -c 'ls /proc/$$/fd; ls -l /proc/$$/fd'")
    assert said.printed.split()[:3] == ["0", "1", "2"]
    assert said.printed.count("pipe:") == 2


@pytest.mark.root
def test_another_user_has_no_capabilities_and_keeps_the_bounding_set(run: Run) -> None:
    said = run("run -q -u 4000:4001 host sh -c 'id -u; id -g; grep Cap /proc/self/status'")
    uid, gid, _, permitted, effective, bounding, _ = said.printed.splitlines()
    assert (uid, gid) == ("4000", "4001")
    assert int(permitted.split()[1], 16) == int(effective.split()[1], 16) == 0
    assert bounding.endswith("a80425fb")


def test_a_user_that_is_not_known_is_refused(run: Run, playground: Playground) -> None:
    said = run("run -q -u nobody-like-that host id")
    assert "no user nobody-like-that is in /etc/passwd inside" in said.told
    assert playground.containers == []


def test_a_file_of_users_that_lies_inside_surprises_nobody(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    file = tmp_path / "passwd"
    file.write_text(f"long:x:{'9' * 5000}:0::/:/bin/sh\nodd:x:\u0663:0::/:/bin/sh\n")
    for name in ("long", "odd", "9" * 5000):
        said = run(f"run -q -v {file}:/etc/passwd -u {name} host id")
        assert f"no user {name[:64]} is in /etc/passwd inside" in said.told


@pytest.mark.root
def test_a_node_that_root_makes_inside_opens_no_device(run: Run, tmp_path: Path) -> None:
    make = "mknod {0} c 1 5 && head -c1 {0}"
    places = [make.format(place) for place in ("/tmp/zero", "/dev/other", "/shared/zero")]
    script = "; ".join([*places, "head -c1 /dev/zero >/dev/null"])
    said = run(f"run --rm -v {tmp_path}:/shared host sh -c '{script}'")
    assert said.printed.count("Permission denied") == 3
    assert said.status == 0


@pytest.mark.root
def test_a_device_is_opened_only_if_it_was_asked_for_as_one(run: Run, tmp_path: Path) -> None:
    node = tmp_path / "node"
    os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(1, 11))
    script = "'echo x >/empty && : </node'"
    said = run(f"run --network none -v {node}:/node -v /dev/null:/empty host sh -c {script}")
    assert "cannot open /node: Permission denied" in said.printed
    # The machine itself may have it closed, and says so in another way.
    asked = run(f"run --network none --device {node}:/node host sh -c ': </node'")
    assert "Permission denied" not in asked.printed


@pytest.mark.root
def test_privileged_hides_nothing(run: Run) -> None:
    said = run(
        "run -q --privileged host sh -c 'ls /dev | wc -l; grep Seccomp: /proc/self/status'"
    )
    devices, seccomp = said.printed.splitlines()
    assert int(devices) >= len([*Path("/dev").iterdir()]) - 2
    assert seccomp.split()[1] == "0"


@pytest.mark.root
def test_limits_are_those_of_the_line(run: Run, playground: Playground) -> None:
    run("run -dq -m 64m --cpus 0.5 --pids-limit 20 --ulimit nofile=99 --name all host sleep 99")
    up = {each.fence: each.shell_state for each in playground.find("all").fences() if each.up}
    assert (up["memory"], up["cpu"], up["pids"]) == ("64M", "0.5", "20")
    assert "nofile 99" in str(up["rlimit"])


@pytest.mark.root
def test_a_program_sees_what_limits_it_and_cannot_change_it(run: Run) -> None:
    unified = docker.cgroup_namespace() != ()
    name = "memory.max" if unified else "memory/memory.limit_in_bytes"
    file = f"/sys/fs/cgroup/{name}"
    script = f"exec 2>&1; cat {file}; echo 1 >{file}; cat /proc/self/cgroup"
    said = run(f"run -q -m 64m --network none host sh -c '{script}'")
    limit, refusal, *groups = said.printed.splitlines()
    assert limit == str(64 << 20)
    assert "Read-only file system" in refusal
    if unified:
        assert "0::/" in groups


def test_one_joins_the_network_of_another(run: Run, playground: Playground) -> None:
    run("run -dq --name first host sleep 1000")
    run("run -dq --name second --network container:first host sleep 1000")
    first, second = (playground.find(name) for name in ("first", "second"))
    facts = [Path(f"/proc/{each.pid}/ns/net").readlink() for each in (first, second)]
    assert facts[0] == facts[1] != Path("/proc/self/ns/net").readlink()


def test_names_are_told_inside_wherever_the_network_leads(run: Run, busybox: str) -> None:
    files = "cat /etc/hostname /etc/hosts /etc/resolv.conf"
    alone = run(f"run -q --network none --hostname web {busybox} {files}").printed
    assert alone.startswith("web\n127.0.0.1 localhost\n::1 localhost ")
    assert alone.endswith(Path("/etc/resolv.conf").read_text())
    shared = run(f"run -q --network host --hostname web {busybox} {files}").printed
    assert shared == "web\n" + "".join(
        Path(each).read_text() for each in ("/etc/hosts", "/etc/resolv.conf")
    )


def test_who_may_make_no_bridge_is_told_what_leads_out_instead(run: Run) -> None:
    said = run("run -q --network bridge host true")
    assert (said.status == 0) == (os.geteuid() == 0)
    assert ("--network pasta" in said.told) == (os.geteuid() != 0)


def test_in_a_network_of_its_own_every_port_may_be_bound(run: Run) -> None:
    path = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
    before = Path(path).read_text()
    assert run(f"run -q --network none host cat {path}").printed == "0\n"
    assert run(f"run -q --network host host cat {path}").printed == before
    assert Path(path).read_text() == before


def test_of_the_interfaces_those_inside_are_seen_and_of_sys_nothing_is_written(
    run: Run,
) -> None:
    said = run("run -q --network none host sh -c 'ls /sys/class/net; grep ^sysfs /proc/mounts'")
    interfaces, mounts = said.printed.splitlines()
    assert interfaces == "lo"
    assert mounts.startswith("sysfs /sys sysfs ro,nosuid,nodev,noexec,")


@pytest.mark.root
def test_another_user_may_open_its_streams_anew(run: Run) -> None:
    said = run("run -q -u 4000 host sh -c 'echo out >/dev/stdout; echo err >/dev/stderr'")
    assert sorted(said.printed.split()) == ["err", "out"]


def test_with_the_ipc_of_the_host_its_shared_memory_is_seen(run: Run) -> None:
    shared = Path("/dev/shm") / f"shared-{os.getpid()}"
    shared.write_text("of the host")
    try:
        assert run(f"run -q --ipc host host cat {shared}").printed == "of the host"
        assert run(f"run -q host cat {shared}").printed.endswith("No such file or directory\n")
    finally:
        shared.unlink()


def test_it_is_refused_as_a_whole_if_one_fence_cannot_go_up(
    run: Run, playground: Playground
) -> None:
    said = run("run -q --network container:nobody host true")
    assert "there is no container 'nobody'" in said.told
    assert playground.containers == []
    assert not [pid for pid in procfs.children(os.getpid()) if pid != playground.playground_pid]


@pytest.mark.root
def test_a_port_that_is_taken_starts_nothing(
    run: Run, playground: Playground, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = f"-p 127.0.0.1:0:81 -p 127.0.0.1:{port}:80"
        said = run(f"run -q {ports} -v {tmp_path}:/data host sh -c 'echo x >/data/begun'")
        assert f"127.0.0.1:{port} is taken by somebody else" in said.told
        assert playground.containers == []
        assert not (tmp_path / "begun").exists()
    assert playground.playground_pid is not None
    wait_until(lambda: not procfs.children(playground.playground_pid or 0), "their end")


def test_a_name_that_is_taken_starts_nothing(run: Run, playground: Playground) -> None:
    run("run -dq --name one host sleep 1000")
    assert "there is a container one already" in run("run -dq --name one host true").told
    assert len(playground.containers) == 1


def test_an_image_has_its_own_files_and_users(run: Run, busybox: str) -> None:
    said = run(f"run -q {busybox} sh -c 'ls /; cat /etc/passwd'")
    assert "web:x:1000" in said.printed
    assert "usr" not in said.printed.split()


@pytest.mark.root
def test_a_user_is_looked_up_in_the_image(run: Run, busybox: str) -> None:
    said = run(f"run -q -u web {busybox} sh -c 'id; echo $HOME'")
    assert said.printed.startswith("uid=1000(web) gid=1001(web) groups=77(extra),1001(web)")
    assert said.printed.endswith("/home/w\n")


def test_an_image_that_is_nowhere_is_told_and_not_pulled_if_never(
    run: Run, playground: Playground
) -> None:
    assert "there is no image nothing" in run("run --pull never nothing").told
    assert playground.containers == []


@pytest.mark.root
def test_with_pid_host_the_processes_of_the_host_are_seen(run: Run) -> None:
    assert int(run("run -q --pid host host sh -c 'echo $$'").printed) > 1
