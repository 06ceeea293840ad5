"""/etc/resolv.conf inside: name servers that are reached from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.network import etc_hosts


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("nameserver 9.9.9.9\nsearch lan\n", "nameserver 9.9.9.9\nsearch lan\n"),
        (
            "# x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver fd00::1\n",
            "nameserver fd00::1\n",
        ),
        ("nameserver 127.0.0.53\n", ""),
        ("", ""),
    ],
)
def test_those_on_the_loopback_of_the_host_are_left_out(
    host: str, inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolv.conf").write_text(host)
    monkeypatch.setattr(etc_hosts, "RESOLV", tmp_path / "resolv.conf")
    monkeypatch.setattr(etc_hosts, "SYSTEMD_RESOLV", tmp_path / "missing")
    text, why = etc_hosts.resolv(None)
    assert text == inside
    assert (why is None) == bool(inside)


def test_a_server_of_its_own_is_the_only_one() -> None:
    assert etc_hosts.resolv("169.254.1.1") == ("nameserver 169.254.1.1\n", None)


@pytest.mark.parametrize("text", ["", "127.0.0.1 localhost\n", "127.0.0.1 localhost\n\n"])
def test_the_hosts_of_the_host_stay_as_they_are_before_the_added_lines(text: str) -> None:
    assert etc_hosts.with_lines(text, ()) == text
    assert etc_hosts.with_lines(text, ["10.0.0.1 db"]) == text + "10.0.0.1 db\n"
