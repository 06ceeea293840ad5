"""What a program of run can look up: --add-host, --dns and their kin, the domain."""

from __future__ import annotations

import pytest

from shellplay.playground.playground import Playground
from tests.program.conftest import Run

pytestmark = pytest.mark.everyone


def test_a_host_is_added_with_its_address(run: Run, busybox: str) -> None:
    said = run(
        "run -q --network none --add-host db:10.9.8.7 --add-host six=[fd00::7] "
        f"{busybox} cat /etc/hosts"
    )
    lines = said.printed.splitlines()
    assert lines[-2:] == ["10.9.8.7 db", "fd00::7 six"]
    assert "127.0.0.1 localhost" in lines


def test_name_servers_domains_and_options_replace_those_of_the_host(
    run: Run, busybox: str
) -> None:
    said = run(
        "run -q --network none --dns 10.1.1.1 --dns fd00::1 --dns-search a.test "
        f"--dns-search b.test --dns-option ndots:3 {busybox} cat /etc/resolv.conf"
    )
    lines = said.printed.splitlines()
    assert [line for line in lines if line.startswith("nameserver")] == [
        "nameserver 10.1.1.1",
        "nameserver fd00::1",
    ]
    assert "search a.test b.test" in lines
    assert "options ndots:3" in lines


def test_a_dot_leaves_no_domain_to_search_in(run: Run, busybox: str) -> None:
    said = run(f"run -q --network none --dns-search . {busybox} cat /etc/resolv.conf")
    assert said.status == 0
    assert "search" not in said.printed
    assert "domain" not in said.printed


def test_in_the_network_of_the_host_its_gateway_is_the_host_itself(
    run: Run, busybox: str
) -> None:
    said = run(f"run -q --network host --add-host me:host-gateway {busybox} cat /etc/hosts")
    assert said.printed.splitlines()[-1] == "127.0.0.1 me"


def test_a_gateway_that_is_not_there_is_refused(
    run: Run, busybox: str, playground: Playground
) -> None:
    said = run(f"run -q --network none --add-host me:host-gateway {busybox} true")
    assert said.status != 0
    assert "no address leads from this network to the host" in said.told
    assert playground.containers == []


def test_a_link_to_nobody_is_refused(run: Run, busybox: str, playground: Playground) -> None:
    said = run(f"run -q --network bridge --link nobody {busybox} true")
    assert said.status != 0
    assert "nobody" in said.told or "bridge" in said.told
    assert playground.containers == []


def test_the_domain_is_its_own(run: Run, busybox: str) -> None:
    said = run(
        f"run -q --network none --domainname a.test {busybox} cat /proc/sys/kernel/domainname"
    )
    assert said.printed == "a.test\n"
