"""The words of run: read as Docker reads them, and refused in one sentence."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from shellplay.docker import plan
from shellplay.docker.options import parse
from shellplay.docker.plan import Plan
from shellplay.errors import UsageError
from shellplay.fences import docker
from shellplay.kernel.signal_names import parse_signal


@pytest.fixture(autouse=True)
def known_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every container have the same id."""
    monkeypatch.setattr(plan, "new_id", lambda: "0123456789ab")


def planned(*words: str) -> Plan:
    """Return the plan for words, of the files of this machine."""
    return Plan(parse([*words, "host", "true"]), None, "xterm", str)


def quiet(kind: str, note: str) -> None:
    """Hear a note about a fence, and say nothing."""


def fences(*words: str) -> dict[str, dict[str, str]]:
    """Return the fences that words ask for, each with its options, in their order."""
    start = planned(*words).start(lambda *_: None)
    return {each.kind: each.given() for each in start.fences}


@pytest.mark.parametrize(
    "words",
    [
        ["-it", "-p", "80:80", "--name", "web"],
        ["-ti", "-p80:80", "--name=web"],
        ["--interactive", "--tty=true", "--publish=80:80", "--name", "web"],
        ["-itp80:80", "--name", "web"],
    ],
)
def test_options_are_spelled_as_for_docker(words: list[str]) -> None:
    asked = parse([*words, "image", "cmd", "-it"])
    assert asked.has("tty")
    assert asked.has("interactive")
    assert asked.last("publish") == "80:80"
    assert asked.last("name") == "web"
    assert (asked.image, asked.command) == ("image", ("cmd", "-it"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "run needs an IMAGE"),
        (["--netwrok", "host", "image"], 'did you mean "--network"'),
        (["-x", "image"], r"run has no option -x \(help run lists them\)"),
        (["-V", "/a:/b", "image"], r"run has no option -V \(did you mean \"-v\"\?\)"),
        (["--memory"], "run --memory needs AMOUNT"),
        (["-v"], "run -v needs SOURCE"),
        (["--tty=maybe", "image"], "run --tty cannot be 'maybe'"),
        (["--privileged=no", "image"], "run --privileged cannot be 'no'"),
        (["--pull", "sometimes", "image"], "run --pull cannot be 'sometimes'"),
        (["--network", "host", "--network", "none", "image"], "has one network here"),
        (["--network", "name=bridge,driver-opt=a", "image"], "the bridge has no options"),
        (["--network", "alias=db", "image"], "names no network"),
        (["--network", "name=bridge,alais=db", "image"], 'did you mean "alias"'),
        (["--userns", "keep-id", "image"], "run --userns cannot be 'keep-id'"),
    ],
)
def test_what_is_no_option_is_refused_by_its_name(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse(words)


@pytest.mark.parametrize("no", ["false", "False", "FALSE", "f", "F", "0"])
def test_a_flag_is_off_by_every_word_that_docker_takes_for_no(no: str) -> None:
    assert not parse([f"--privileged={no}", "image"]).has("privileged")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-v", "a:/data"], "'a' is not a name for a volume"),
        (["-v", "a b:/data"], "'a b' is not a name for a volume"),
        (["-v", "data:/data:rslave"], "rslave is not an option of a volume"),
        (["-v", "data"], "not a place to mount at"),
        (["--mount", "source=data,target=/d,volume-subpath=x"], "could lead out of it"),
        (["--mount", "source=data,target=/d,volume-opt=o=nfs"], "has no options"),
        (["--mount", "source=data,target=/d,volume-driver=nfs"], "directories of yours"),
        (["--volume-driver", "nfs"], "directories of yours"),
        (["--volumes-from", "web:rx"], "is not a container"),
        (["-v", "/nowhere:/data"], "/nowhere is not there"),
        (["-v", "~nobody-like-that/x:/data"], "nobody has the home directory"),
        (["--env-file", "~nobody-like-that/x"], "nobody has the home directory"),
        (["-v", "/tmp:data"], "not a place to mount at"),
        (["-v", "/tmp:/a", "--tmpfs", "/a"], "mounted at twice"),
        (["-v", "/tmp:/a:rx"], "rx is not an option"),
        (["--mount", "type=nfs,target=/a"], "type=nfs is not known"),
        (["--mount", "type=bind,source=/tmp,target=/a,readonl"], 'did you mean "readonly"'),
        (["--mount", "type=bind,source=/tmp,target=/a,ro=yes"], "readonly cannot be 'yes'"),
        (["--mount", "type=bind,target=/a"], "names no source"),
        (["--mount", "type=bind,source,target=/a"], "source has no value"),
        (["--mount", "type=tmpfs,source=/tmp,target=/a"], "a tmpfs has no source"),
        (["--mount", "type=tmpfs,target=/a,tmpfs-size=x"], "size=x is not an option"),
        (["--tmpfs", "/a:huge"], "huge is not an option"),
        (["--device", "/dev/null:/dev/null:r"], "read and written, or not there"),
        (["--device", "/etc/passwd"], "is not a device"),
        (["-m", "lots"], "not an amount"),
        (["--cpus", "none"], "not a number"),
        (["--ulimit", "nofiles=3"], 'did you mean "nofile"'),
        (["--cap-add", "net_amdin"], 'did you mean "net_admin"'),
        (["--cap-drop", "net_rwa"], 'did you mean "net_raw"'),
        (["--cap-drop", "all", "--cap-drop", "net_rwa"], 'did you mean "net_raw"'),
        (["--uts", "host", "--hostname", "web"], "--hostname changes nothing"),
        (["--security-opt", "magic"], "magic: it is not known here"),
        (["--security-opt", "label=level:s0"], "no label of SELinux is set here"),
        (["--security-opt", "apparmor=docker-default"], "no profile of AppArmor"),
        (["--add-host", "db"], "--add-host db has no address"),
        (["--add-host", "db:nowhere"], "'nowhere' is not an address"),
        (["--add-host", "a b:10.0.0.1"], "'a b' is not a host name"),
        (["--add-host", "db:10.0.0.1\n6.6.6.6 x"], "is not an address"),
        (["--dns", "host"], "'host' is not an address"),
        (["--dns-search", "a\nnameserver 6.6.6.6"], "is not a host name"),
        (["--dns-option", "ndots:2\nnameserver 6.6.6.6"], "is not an option"),
        (["--dns", "10.0.0.1", "--network", "container:web"], "changes nothing with"),
        (["--network-alias", "db", "--network", "host"], "takes a network with neighbours"),
        (["--link", ":db", "--network", "bridge"], "names no container"),
        (["--sysctl", "kernel.core_pattern=|/x"], "a switch of the whole machine"),
        (["--sysctl", "kernel.hostname=x"], "a switch of the whole machine"),
        (["--sysctl", "net/../kernel/core_pattern=x"], "is not a switch"),
        (["--sysctl", "net..kernel=1"], "is not a switch"),
        (["--sysctl", "net.ipv4.ip_forward"], "is not a switch"),
        (["--sysctl", "net.ipv4.ip_forward=1", "--network", "host"], "would change the host's"),
        (["--sysctl", "kernel.msgmax=1", "--ipc", "host"], "would change the host's"),
        (["--shm-size", "0"], "leaves no room"),
        (["--shm-size", "much"], "is not an amount"),
        (["--shm-size", "9e9"], "is not an amount"),
        (["--shm-size", "1m", "--ipc", "host"], "changes nothing with --ipc host"),
        (["--stop-timeout", "-2"], "it is not a number from -1"),
        (["--oom-score-adj", "1001"], "it is not a number from -1000 to 1000"),
        (["--log-driver", "syslog"], "sends output to a service"),
        (["--log-opt", "max-size=0"], "keeps nothing"),
        (["--log-opt", "tag=x"], "tag=x is not known here"),
        (["--log-driver", "none", "--log-opt", "max-size=1k"], "changes nothing"),
        (["--label", "=x"], "has no name"),
        (["--annotation", "x"], "has no value"),
        (["--expose", "web"], "is not a port to expose"),
        (["--expose", "80-79"], "is not a range of ports"),
        (["-p", "8000-8002:80-81"], "3 ports of the host are for 2 inside"),
        (["-p", "8000-99999:80"], "is not a range of ports"),
        (["--memory-swap", "64m"], "which is not given"),
        (["-m", "64m", "--memory-swap", "32m"], "is less than --memory 64m"),
        (["--memory-reservation", "1m"], "from 6m on"),
        (["-m", "64m", "--memory-reservation", "65m"], "at most as much as --memory"),
        (["--memory-swappiness", "101"], "not a number from -1 to 100"),
        (["--cpu-shares", "-1"], "not a number from 0"),
        (["--cpus", "1", "--cpu-quota", "5000"], "is a quota in a period already"),
        (["--cpu-quota", "999"], "it is at least 1000"),
        (["--cpu-period", "1000001"], "not a number from -1 to 1000000"),
        (["--cpuset-mems", "all"], "not a list of nodes"),
        (["--blkio-weight", "9"], "from 10 to 1000"),
        (["--blkio-weight-device", "/etc/passwd:100"], "names no disk"),
        (["--device-read-bps", "/dev/null:1m"], "names no disk"),
        (["--device-read-bps", "/dev/null:much"], "is not an amount"),
        (["--device-write-iops", "/dev/null:0"], "nothing could be read or written"),
        (["--cgroup-parent", "/a/../b"], "is not a path of a cgroup"),
        (["--cgroup-parent", "../b"], "is not a path of a cgroup"),
        (["--ip", "fd00::1"], "of the other version"),
        (["--ip6", "10.0.0.1"], "of the other version"),
        (["--ip", "here"], "'here' is not an address"),
        (["--ip", "10.0.0.1", "--network", "none"], "takes a network with neighbours"),
        (["--mac-address", "01:00:5e:00:00:01"], "is of no interface"),
        (["--mac-address", "00:00:00:00:00:00"], "is of no interface"),
        (["--mac-address", "02:00"], "is of no interface"),
        (["--runtime", "kata"], "by no other program"),
        (["--isolation", "hyperv"], "only Windows has others"),
        (["--disable-content-trust=false"], "checks signatures"),
        (["--detach-keys", "ctrl-p,shift-q"], "is not a control key"),
        (["--uts", "host", "--domainname", "web"], "--domainname changes nothing"),
        (["--network", "swarm"], "there is no network 'swarm'"),
        (["--storage-opt", "quota=1"], "is not known here"),
        (["--storage-opt", "size=0"], "leaves no room"),
        (["--pid", "mine"], "--pid cannot be mine"),
        (["-w", "src"], "not an absolute path"),
        (["-e", "=x"], "is not a variable"),
        (["--env-file", "/nowhere"], "cannot be read"),
        (["--stop-signal", "TREM"], 'unknown signal "TREM"'),
        (["--hostname", "x" * 65], "1 to 64 bytes"),
    ],
)
def test_a_bad_value_is_refused_before_anything_is_started(
    words: list[str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        planned(*words).start(lambda *_: None)
    assert "\n" not in str(caught.value)


def test_without_options_it_is_what_fence_docker_puts_up() -> None:
    found = fences()
    assert tuple(found) == docker.preset()
    assert found["uts"] == {"hostname": "0123456789ab"}


def test_limits_come_before_what_takes_privileges_away() -> None:
    found = fences(
        "-m", "64m", "--cpus", "0.5", "--pids-limit", "9", "--ulimit", "nofile=64:99"
    )
    kinds = list(found)
    assert kinds[-6:] == ["memory", "cpu", "pids", "rlimit", "seccomp", "caps"]
    assert found["rlimit"] == {"nofile": "64:99"}


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["--network", "host"], {"net"}),
        (["--pid", "host"], {"pid"}),
        (["--ipc", "host"], {"ipc"}),
        (["--uts", "host"], {"uts"}),
        (["--privileged"], {"proc", "sys", "dev", "caps", "seccomp"}),
        (["--security-opt", "seccomp=unconfined"], {"seccomp"}),
        (["--cap-add", "ALL"], {"caps"}),
        (["--cap-add", "ALL", "--cap-drop", "ALL"], {"caps"}),
    ],
)
def test_an_option_leaves_a_fence_out(words: list[str], missing: set[str]) -> None:
    assert set(docker.preset()) - set(fences(*words)) == missing


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--cap-drop", "NET_RAW"], ("chown", None)),
        (["--cap-add", "CAP_SYS_TIME"], ("sys_time", None)),
        (["--cap-drop", "all", "--cap-add", "chown"], ("chown", 1)),
        (["--cap-drop", "ALL"], (None, 0)),
        (["--cap-drop", "NET_RAW", "--cap-add", "NET_ADMIN"], ("net_admin", 14)),
        (["--cap-drop", "SYS_TIME", "--cap-add", "SYS_TIME"], ("sys_time", 15)),
    ],
)
def test_capabilities_are_added_and_dropped(
    words: list[str], left: tuple[str | None, int | None]
) -> None:
    given = fences(*words)["caps"]
    kept = given.get("keep", "").split(",") if given.get("keep") else []
    name, count = left
    assert name is None or name in kept
    assert count is None or len(kept) == count
    assert "net_raw" not in kept or "NET_RAW" not in words


def test_the_long_form_of_a_network_is_read_as_options() -> None:
    asked = parse(
        ["--network", "name=bridge,alias=db,alias=store,ip=10.0.0.2,mac-address=02::1", "image"]
    )
    assert asked.last("network") == "bridge"
    assert asked.all("network-alias") == ("db", "store")
    assert (asked.last("ip"), asked.last("mac-address")) == ("10.0.0.2", "02::1")
    assert parse(["--network", "default", "image"]).last("network") is None
    assert fences("--pid", "", "--userns", "", "--uts=").keys() == fences().keys()


def test_ranges_of_ports_are_read_as_by_docker() -> None:
    def ports(*words: str) -> list[list[str]]:
        return [[str(each) for each in choice] for choice in planned(*words).start(quiet).ports]

    assert ports("-p", "8000-8001:80-81/udp") == [
        ["127.0.0.1:8000 -> 80/udp"],
        ["127.0.0.1:8001 -> 81/udp"],
    ]
    assert ports("-p", "0.0.0.0:8000-8001:80") == [
        ["0.0.0.0:8000 -> 80/tcp", "0.0.0.0:8001 -> 80/tcp"]
    ]
    assert ports("-p", "80-81") == [["127.0.0.1:0 -> 80/tcp"], ["127.0.0.1:0 -> 81/tcp"]]
    assert ports("-p", "[::1]::80") == [["[::1]:0 -> 80/tcp"]]
    assert ports("-P", "--expose", "53/udp", "--expose", "80", "-p", "8080:80") == [
        ["127.0.0.1:8080 -> 80/tcp"],
        ["127.0.0.1:0 -> 53/udp"],
    ]
    assert ports("--expose", "80") == []


def test_variables_come_from_files_the_line_and_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "mine")
    monkeypatch.delenv("UNKNOWN", raising=False)
    file = tmp_path / "env"
    file.write_text("# said\nA=1\nB=from file\n\n")
    words = ["--env-file", str(file), "-e", "B=2", "-e", "OURS", "-e", "UNKNOWN"]
    program = planned(*words).start(lambda *_: None).process
    assert program.environment["A"] == "1"
    assert program.environment["B"] == "2"
    assert program.environment["OURS"] == "mine"
    assert "UNKNOWN" not in program.environment
    assert program.environment["HOSTNAME"] == "0123456789ab"


def test_a_file_of_variables_is_read_as_by_docker(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("\ufeffA=1 \nB=a\u2028b\x0cc\r\n  C=3\n\t# said\n", "utf-8")
    found = planned("--env-file", str(file)).start(lambda *_: None).process.environment
    assert {name: found[name] for name in "ABC"} == {"A": "1 ", "B": "a\u2028b\x0cc", "C": "3"}
    file.write_text("A B=1\n")
    with pytest.raises(UsageError, match="has spaces in its name"):
        planned("--env-file", str(file)).start(lambda *_: None)


def test_a_name_alone_that_we_have_not_is_none_inside_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GONE", raising=False)
    file = tmp_path / "env"
    file.write_text("GONE=1\n")
    words = ("--env-file", str(file), "-e", "GONE")
    assert "GONE" not in planned(*words).start(lambda *_: None).process.environment


def test_no_limit_is_spelled_as_for_docker() -> None:
    assert tuple(fences("-m", "0", "--cpus", "0", "--pids-limit", "0")) == docker.preset()
    assert fences("-m", "64MiB")["memory"]["max"] == "64MiB"


def test_a_view_of_cgroups_can_be_its_own_and_the_hosts() -> None:
    assert "cgroup" in fences("--cgroupns", "private")
    assert "cgroup" not in fences("--cgroupns", "host")


@pytest.mark.parametrize("spelled", ["INT", "SIGINT", "int", str(int(signal.SIGINT))])
def test_a_stop_signal_is_spelled_as_for_kill(spelled: str) -> None:
    start = planned("--stop-signal", spelled).start(lambda *_: None)
    assert parse_signal(start.process.stop_signal) == signal.SIGINT
