"""Values of run: parsed as Docker parses them; what would have no effect is refused or said."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from shellplay.docker.mounts import volumes
from shellplay.docker.options import parse
from shellplay.errors import UsageError
from shellplay.fences.memory import Memory
from shellplay.playground.playground import Playground
from tests.program.conftest import Run
from tests.program.test_options import fences, planned


def targets(*words: str) -> list[str]:
    """Return the targets of the volumes that words ask for."""
    return [each.target for each in volumes(parse([*words, "host", "true"]))]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["-t=false"], {"tty": False}),
        (["-i=0"], {"interactive": False}),
        (["-d=true"], {"detach": True}),
        (["-it=false"], {"interactive": True, "tty": False}),
        (["-t=F", "-i=T"], {"interactive": True, "tty": False}),
    ],
)
def test_a_short_flag_may_have_a_value(words: list[str], values: dict[str, bool]) -> None:
    asked = parse([*words, "image"])
    assert {name: asked.has(name) for name in values} == values


def test_a_short_flag_with_a_wrong_value_is_refused() -> None:
    with pytest.raises(UsageError, match="run --tty cannot be 'maybe'"):
        parse(["-t=maybe", "image"])


@pytest.mark.parametrize("text", ["/a/../foo", "/./foo", "//foo", "/foo/", "/b/c/../../foo"])
def test_a_target_is_cleaned_first(text: str) -> None:
    for words in (
        ["-v", f"/tmp:{text}"],
        ["--mount", f"type=bind,src=/tmp,dst={text}"],
        ["--tmpfs", text],
        ["--device", f"/dev/zero:{text}"],
    ):
        assert targets(*words) == ["/foo"]


def test_the_same_mount_twice_is_one() -> None:
    assert targets("-v", "/tmp:/dup", "-v", "/tmp:/a/../dup") == ["/dup"]
    assert targets("--device", "/dev/zero", "--device", "/dev/zero:rwm") == ["/dev/zero"]
    with pytest.raises(UsageError, match="mounted at twice"):
        targets("-v", "/tmp:/dup", "-v", "/usr:/dup")
    with pytest.raises(UsageError, match="mounted at twice"):
        targets("-v", "/tmp:/dup", "-v", "/tmp:/dup:ro")


@pytest.mark.parametrize("text", ["/dev/zero:rw", "/dev/zero:wr", "/dev/zero:mrw"])
def test_one_part_of_a_device_may_be_its_access(text: str) -> None:
    assert targets("--device", text) == ["/dev/zero"]


@pytest.mark.parametrize("text", ["/dev/zero:r", "/dev/zero:/dev/z:w", "/dev/zero:/dev/z:rwx"])
def test_an_access_that_is_no_access_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="read and written, or not there"):
        targets("--device", text)


def test_a_directory_of_devices_brings_each_of_them(run: Run, tmp_path: Path) -> None:
    found = [
        path
        for path in Path("/dev").rglob("*")
        if path.parent.name == "net" or "loop" in path.name
    ]
    if not found:
        pytest.skip("no directory with devices here")
    given = (
        targets("--device", "/dev/net:/dev/other") if Path("/dev/net/tun").exists() else None
    )
    assert given in (None, ["/dev/other/tun"])
    with pytest.raises(UsageError, match="is not a device"):
        targets("--device", str(tmp_path))


@pytest.mark.root
def test_devices_below_a_directory_can_be_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "nodes" / "deep").mkdir(parents=True)
    os.mknod(tmp_path / "nodes/deep/zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    os.mknod(tmp_path / "nodes/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (tmp_path / "nodes/file").touch()
    said = run(
        f"run -q --network none --device {tmp_path}/nodes:/dev/other host "
        "sh -c 'head -c1 /dev/other/deep/zero | wc -c; cat /dev/other/null; ls -R /dev/other'"
    )
    assert said.printed.split() == [
        "1",
        "/dev/other:",
        "deep",
        "null",
        "/dev/other/deep:",
        "zero",
    ]


@pytest.mark.parametrize("target", ["/proc", "/proc/", "/x/../proc", "/proc/sys", "/proc/self"])
def test_nothing_is_mounted_over_proc(target: str) -> None:
    for words in (["-v", f"/tmp:{target}"], ["--tmpfs", target]):
        with pytest.raises(UsageError, match="the kernel shows processes there"):
            targets(*words)


def test_files_that_runtimes_bring_into_proc_are_taken() -> None:
    assert targets("-v", "/etc/passwd:/proc/cpuinfo") == ["/proc/cpuinfo"]
    assert targets("-v", "/proc:/proc") == ["/proc"]
    assert targets("-v", "/tmp:/process") == ["/process"]


@pytest.mark.parametrize("word", ["rslave", "slave", "rshared", "shared"])
def test_a_propagation_that_would_have_no_effect_is_refused(word: str) -> None:
    for words in (
        ["-v", f"/tmp:/p:{word}"],
        ["-v", f"/tmp:/p:ro,{word}"],
        ["--mount", f"type=bind,src=/tmp,dst=/p,bind-propagation={word}"],
    ):
        with pytest.raises(UsageError, match="later does not come in"):
            targets(*words)


@pytest.mark.parametrize("text", ["99999", "0.001", "-1", "nan", "inf"])
def test_processors_that_there_are_not_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=rf"run --cpus {re.escape(text)}: from 0.01 to \d+"):
        fences("--cpus", text)


def test_as_many_processors_as_there_are_may_be_asked_for() -> None:
    assert fences("--cpus", str(len(os.sched_getaffinity(0))))["cpu"]


@pytest.mark.root
def test_as_much_swap_as_memory_is_given(run: Run) -> None:
    if not Memory.counts_swap():
        pytest.skip("this kernel counts no swap")
    files = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes /sys/fs/cgroup/memory.swap.max"
    said = run(f"run -q --network none -m 32m host sh -c 'cat {files} 2>/dev/null'")
    assert said.printed.strip() in (str(64 << 20), str(32 << 20))


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ("host", "-p is discarded with --network host"),
        ("none", "-p leads to no program with --network none"),
    ],
)
def test_a_port_that_nothing_reaches_is_said(run: Run, network: str, sentence: str) -> None:
    said = run(f"run --rm --network {network} -p 18088:80 host true")
    assert (said.status, sentence in said.told) == (0, True)


def test_a_port_of_another_container_is_refused() -> None:
    with pytest.raises(
        UsageError, match="--publish changes nothing with --network container:web"
    ):
        planned("--network", "container:web", "-p", "80:80").start(lambda *_: None)


@pytest.mark.everyone
@pytest.mark.parametrize("name", ["Web", "WEB.1", "a" * 200, "0x_-."])
def test_a_name_may_have_capital_letters(run: Run, playground: Playground, name: str) -> None:
    assert run(f"run -dq --network none --name {name} host true").status == 0
    assert playground.find(name).label == name


@pytest.mark.parametrize("name", ["-web", ".web", "we/b", "wéb", "a" * 300, "''"])
def test_a_name_of_another_form_is_refused(run: Run, name: str) -> None:
    assert run(f"run -dq --network none --name={name} host true").status == 2


# -- what the runtime sets -------------------------------------------------------------------


@pytest.mark.everyone
def test_an_empty_home_is_as_none(run: Run, busybox: str) -> None:
    said = run(f"run -q --network none -e HOME= {busybox} sh -c 'echo $HOME'")
    assert said.printed == "/root\n"
    assert (
        run(f"run -q --network none -e HOME=/x {busybox} sh -c 'echo $HOME'").printed == "/x\n"
    )


@pytest.mark.root
def test_an_empty_home_is_that_of_its_user(run: Run, busybox: str) -> None:
    said = run(f"run -q --network none -u web -e HOME= {busybox} sh -c 'echo $HOME'")
    assert said.printed == "/home/w\n"


@pytest.mark.everyone
@pytest.mark.parametrize("options", ["", "--read-only"])
def test_hostname_hosts_and_resolv_conf_lie_over_a_volume(
    run: Run, tmp_path: Path, busybox: str, options: str
) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "hostname").write_text("of the directory\n")
    (etc / "mine").write_text("mine\n")
    said = run(
        f"run -q --network none -h test123 {options} -v {etc}:/etc {busybox} "
        "cat /etc/hostname /etc/mine /etc/hosts"
    )
    assert said.printed.splitlines()[:3] == ["test123", "mine", "127.0.0.1 localhost"]
    assert (etc / "hostname").read_text() == "of the directory\n"


@pytest.mark.everyone
def test_a_file_that_the_user_names_lies_over_them(
    run: Run, tmp_path: Path, busybox: str
) -> None:
    etc, named = tmp_path / "etc", tmp_path / "named"
    etc.mkdir()
    named.write_text("named\n")
    for volumes_given in (
        f"-v {named}:/etc/hostname",
        f"-v {etc}:/etc -v {named}:/etc/hostname",
    ):
        said = run(
            f"run -q --network none {volumes_given} {busybox} cat /etc/hostname /etc/hosts"
        )
        assert said.printed.startswith("named\n127.0.0.1 localhost\n")


@pytest.mark.everyone
def test_who_shares_the_network_of_the_host_has_its_name(run: Run, busybox: str) -> None:
    script = "sh -c 'cat /etc/hostname /proc/sys/kernel/hostname; echo $HOSTNAME'"
    name = os.uname().nodename
    assert run(f"run -q --network host {busybox} {script}").printed.split() == [name] * 3
    own = run(f"run -q --network host -h own {busybox} {script}").printed
    assert own.split() == ["own"] * 3


@pytest.mark.everyone
def test_who_shares_the_network_of_another_has_its_name(run: Run, busybox: str) -> None:
    run(f"run -dq --network none -h first.example --name first {busybox} sleep 1000")
    script = "sh -c 'cat /etc/hostname /proc/sys/kernel/hostname; echo $HOSTNAME'"
    said = run(f"run -q --network container:first {busybox} {script}")
    assert said.printed.split() == ["first.example"] * 3
    refused = run(f"run -q --network container:first -h other {busybox} true")
    assert (refused.status, "--hostname changes nothing with" in refused.told) == (2, True)


@pytest.mark.root
def test_a_container_knows_its_own_name(run: Run) -> None:
    script = "cat /etc/hosts; hostname -f; hostname -i; getent hosts foo.bar.baz foo"
    said = run(f"run -q --network bridge -h foo.bar.baz --name peer1 host sh -c '{script}'")
    address = next(
        line.split()[0] for line in said.printed.splitlines() if " foo.bar.baz foo" in line
    )
    lines = said.printed.splitlines()
    assert "foo.bar.baz" in lines
    assert any(address in line.split() for line in lines if "foo" not in line)


@pytest.mark.root
def test_a_host_name_is_no_name_for_others(run: Run) -> None:
    run("run -dq --network bridge -h www.example.org --name one host sleep 1000")
    said = run("run -q --network bridge --name two host cat /etc/hosts")
    assert "one" in said.printed
    assert "www.example.org" not in said.printed
