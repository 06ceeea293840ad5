"""Options about the process of run: groups, switches of the kernel, streams, logs, its end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shellplay.playground.playground import Playground
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone


@pytest.mark.root
def test_groups_are_added_by_name_and_number(run: Run, busybox: str) -> None:
    said = run(f"run -q --network none --group-add extra --group-add 4444 {busybox} id -G")
    assert set(said.printed.split()) == {"0", "77", "4444"}
    said = run(f"run -q --network none -u web:web --group-add 4444 {busybox} id -G")
    assert said.printed.split() == ["1001", "4444"]
    said = run(f"run -q --network none --group-add nobodys {busybox} id -G")
    assert "no group nobodys is in /etc/group inside" in said.told


def test_switches_of_its_own_namespaces_are_set(run: Run, busybox: str) -> None:
    before = Path("/proc/sys/kernel/msgmax").read_text()
    said = run(
        "run -q --network none --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=12345 "
        f"{busybox} cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax"
    )
    assert said.printed == "1\n12345\n"
    assert Path("/proc/sys/kernel/msgmax").read_text() == before


def test_a_switch_that_is_not_there_is_refused(
    run: Run, busybox: str, playground: Playground
) -> None:
    said = run(f"run -q --network none --sysctl net.no.such.switch=1 {busybox} true")
    assert said.status != 0
    assert "net.no.such.switch" in said.told
    assert playground.containers == []


def test_shared_memory_has_the_size_that_was_asked_for(run: Run, busybox: str) -> None:
    said = run(f"run -q --network none --shm-size 3m {busybox} mount")
    (line,) = [line for line in said.printed.splitlines() if " /dev/shm " in line]
    assert "size=3072k" in line
    for option in ("nosuid", "nodev", "noexec"):
        assert option in line


def test_without_ipc_there_is_no_shared_memory(run: Run, busybox: str) -> None:
    said = run(f"run -q --network none --ipc none {busybox} mount")
    assert " /dev/pts " in said.printed
    assert " /dev/shm " not in said.printed


@pytest.mark.parametrize(
    ("words", "printed"), [("-a stdout", "out\n"), ("-a stderr", "err\n"), ("-a STDIN", "")]
)
def test_only_the_attached_streams_are_shown_and_the_log_has_all(
    run: Run, busybox: str, words: str, printed: str
) -> None:
    said = run(
        f"run -q --network none {words} {busybox} sh -c 'echo out; echo err >&2; exit 3'"
    )
    assert said.printed == printed
    assert "exit status 3" in said.told
    assert sorted(run("logs").told.split()) == ["err", "out"]


def test_a_log_is_bound_and_keeps_the_newest(run: Run, busybox: str) -> None:
    run(
        "run -q --network none --log-opt max-size=2k --log-opt max-file=2 --name web "
        f"{busybox} sh -c 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done'"
    )
    told = run("logs web").told
    assert 2048 < len(told) <= 4096
    assert told.endswith("line 2000\n")


def test_without_a_log_driver_there_are_no_logs(run: Run, busybox: str) -> None:
    said = run(f"run -q --network none --log-driver none {busybox} sh -c 'echo out'")
    assert said.printed == "out\n"
    assert "keeps no logs" in run("logs").told


def test_the_id_is_written_to_a_new_file(
    run: Run, busybox: str, playground: Playground, tmp_path: Path
) -> None:
    file = tmp_path / "cid"
    run(f"run -dq --network none --cidfile {file} {busybox} sleep 1000")
    assert file.read_text() == playground.containers[0].id
    said = run(f"run -q --network none --cidfile {file} {busybox} true")
    assert "is there already" in said.told
    assert len(playground.containers) == 1


def test_a_start_that_fails_leaves_no_file_with_an_id(
    run: Run, busybox: str, tmp_path: Path
) -> None:
    file = tmp_path / "cid"
    run(f"run -q --network none --cidfile {file} {busybox} /no/such/program")
    assert not file.exists()


def test_the_time_to_stop_is_that_of_the_container(run: Run, busybox: str) -> None:
    run(f"run -dq --network none --stop-timeout 1 --name deaf {busybox} sleep 1000")
    assert "killed after 1 s" in run("stop deaf").told


@pytest.mark.root
def test_the_kernel_kills_it_earlier_for_memory(run: Run, busybox: str) -> None:
    said = run(
        f"run -q --network none --oom-score-adj 700 {busybox} cat /proc/self/oom_score_adj"
    )
    assert said.printed == "700\n"


def test_nothing_of_proc_is_hidden_without_system_paths(run: Run, busybox: str) -> None:
    hidden = f"run -q --network none {busybox} sh -c 'grep -c /proc/ /proc/mounts'"
    assert int(run(hidden).printed) > 3
    shown = hidden.replace("none", "none --security-opt systempaths=unconfined")
    assert run(shown).printed == "0\n"


def test_labels_are_shown_and_chosen_by(run: Run, busybox: str, tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_text("# ours\ntier=back\nplain\n")
    run(
        f"run -dq --network none --name web -l tier=front --label-file {file} -l app "
        f"--annotation a.b=c --expose 80-81 {busybox} sleep 1000"
    )
    run(f"run -dq --network none --name db -l tier=back {busybox} sleep 1000")
    facts = json.loads(run("inspect web --json").told)
    assert facts["labels"] == {"tier": "front", "plain": "", "app": ""}
    assert facts["annotations"] == {"a.b": "c"}
    assert facts["exposed"] == ["80/tcp", "81/tcp"]

    def chosen(*filters: str) -> list[str]:
        words = " ".join(f"--filter {each}" for each in filters)
        found = json.loads(run(f"containers {words} --json").told)["containers"]
        return [each["name"] for each in found]

    assert chosen("label=tier") == ["web", "db"]
    assert chosen("label=tier=back") == ["db"]
    assert chosen("label=tier", "name=we") == ["web"]
    assert chosen("label=other") == []
    assert "not a filter" in run("containers --filter colour=red").told


def test_an_image_for_another_platform_is_not_taken_for_this_one(
    run: Run, busybox: str
) -> None:
    machine = os.uname().machine
    other = "linux/arm64" if machine != "aarch64" else "linux/amd64"
    said = run(f"run -q --network none --pull never --platform {other} {busybox} true")
    assert f"there is none for {other}" in said.told
    assert "is not a platform" in run(f"run -q --platform nonsense {busybox} true").told


def test_what_is_asked_for_help_runs_nothing(run: Run, playground: Playground) -> None:
    said = run("run -it --help")
    assert "--publish-all" in said.told or "docker run" in said.told
    assert playground.containers == []


def test_a_program_in_the_background_ends_as_its_logs_say(run: Run, busybox: str) -> None:
    run(f"run -dq --network none --name web {busybox} sh -c 'echo begun; exit 2'")
    wait_until(lambda: run("logs web").told == "begun\n", "its output")


def test_so_much_can_be_written_in_its_root_and_no_more(run: Run, busybox: str) -> None:
    fill = "dd if=/dev/zero of=/file bs=1M count=9 2>/dev/null; stat -c %s /file"
    run_it = f"run -q --network none {{}} {busybox} sh -c 'busybox {fill}'"
    assert int(run(run_it.format("--storage-opt size=4m")).printed) <= 4 << 20
    assert run(run_it.format("")).printed == f"{9 << 20}\n"
