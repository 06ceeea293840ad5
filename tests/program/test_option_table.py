"""Every option of docker run, version 28, is taken or refused with a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shellplay.docker.option_table import ALIASES, OPTIONS
from shellplay.docker.options import parse
from shellplay.docker.refused_options import REFUSED
from shellplay.errors import UsageError

# docs/reference/commandline/container_run.md of docker/cli 28.3, and the flags that it marks
# as hidden or deprecated in cli/command/container/opts.go.
OF_DOCKER = re.findall(
    r"\S+",
    """
    add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent
    cgroupns cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime
    cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys device device-cgroup-rule
    device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust
    dns dns-opt dns-option dns-search domainname entrypoint env env-file expose gpus group-add
    health-cmd health-interval health-retries health-start-interval health-start-period
    health-timeout help hostname init interactive io-maxbandwidth io-maxiops ip ip6 ipc
    isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address
    memory memory-reservation memory-swap memory-swappiness mount name net net-alias network
    network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform
    privileged publish publish-all pull quiet read-only restart rm runtime security-opt
    shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit
    use-api-socket user userns uts volume volume-driver volumes-from workdir
    """,
)
SHORT = {
    **{"a": "attach", "c": "cpu-shares", "d": "detach", "e": "env", "h": "hostname"},
    **{"i": "interactive", "l": "label", "m": "memory", "p": "publish", "P": "publish-all"},
    **{"q": "quiet", "t": "tty", "u": "user", "v": "volume", "w": "workdir"},
}
PARITY = Path(__file__).parents[2] / "docs" / "docker-parity.md"


def test_every_option_of_docker_is_taken_or_refused() -> None:
    unknown = {name for name in OF_DOCKER if ALIASES.get(name, name) not in OPTIONS} - set(
        REFUSED
    )
    assert not unknown
    assert not set(OPTIONS) & set(REFUSED)


def test_no_option_is_taken_that_docker_does_not_have() -> None:
    assert set(OPTIONS) | set(REFUSED) | set(ALIASES) <= set(OF_DOCKER)


@pytest.mark.parametrize(("letter", "name"), SHORT.items())
def test_every_letter_of_docker_stands_for_the_same_option(letter: str, name: str) -> None:
    if name in REFUSED:
        with pytest.raises(UsageError, match=re.escape(REFUSED[name].reason)):
            parse([f"-{letter}", "1", "image"])
        return
    value = ["x"] if OPTIONS[name].metavar else []
    assert name in parse([f"-{letter}", *value, "image"]).options


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_option_says_why_and_what_to_use_instead(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse([f"--{name}=1", "image"])
    assert REFUSED[name].reason in str(caught.value)
    assert REFUSED[name].instead in str(caught.value)


def test_the_documentation_lists_exactly_the_refused_options() -> None:
    section = (
        PARITY.read_text().partition("## Options that are refused")[2].partition("\n## ")[0]
    )
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `--")]
    listed = {name for row in rows for name in re.findall(r"`--([a-z0-9-]+)`", row[1])}
    assert listed == set(REFUSED)
    assert all(row[2].strip() and row[3].strip() for row in rows)
