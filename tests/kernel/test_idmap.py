"""User and group maps: what is read for them, what is written, and what is refused."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.errors import KernelError, Refused
from shellplay.kernel import idmap
from shellplay.kernel.call_log import Journal
from shellplay.kernel.idmap import _RANGE, MapRange, subordinate, write_maps


@pytest.fixture
def mapless() -> Iterator[int]:
    """A process in a user namespace without maps."""
    words = ["unshare", "--user", "sh", "-c", "echo ready; exec sleep 1000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield child.pid
        child.kill()


def oneself() -> tuple[list[MapRange], list[MapRange]]:
    """Return maps of 0 inside to this user and group."""
    return [MapRange(0, os.geteuid(), 1)], [MapRange(0, os.getegid(), 1)]


# -- /etc/subuid --------------------------------------------------------------------------


def test_ranges_are_ours_by_number_and_numbered_from_there_on(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    file.write_text(f"nobody else:1:2\n{os.getuid()}:100000:65536\n{os.getuid()}:300000:10\n")
    assert subordinate(str(file), inside=1) == [
        MapRange(1, 100000, 65536), MapRange(65537, 300000, 10)
    ]  # fmt: skip


@pytest.mark.root
def test_ranges_are_ours_by_name(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    file.write_text(f"{pwd.getpwuid(os.getuid()).pw_name}:100000:65536\n")
    assert subordinate(str(file), inside=5) == [MapRange(5, 100000, 65536)]


@pytest.mark.parametrize(
    "row", ["", ":1:2", "{}", "{}:1", "{}:one:2", "{}:1:2:3", "{}:-1:2", "{}:1:", "# {}:1:2"]
)
@pytest.mark.everyone
def test_a_row_that_is_no_range_is_passed_over(tmp_path: Path, row: str) -> None:
    file = tmp_path / "subuid"
    file.write_text(f"{row.format(os.getuid())}\n{os.getuid()}:7:8\n")
    assert subordinate(str(file), inside=0) == [MapRange(0, 7, 8)]


@given(st.binary(max_size=200))
def test_whatever_bytes_are_in_the_file_there_is_an_answer_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "subuid"
    file.write_bytes(content + b"\n%d:7:8\n" % os.getuid())
    assert subordinate(str(file), inside=0)[-1].outside == 7
    file.write_bytes(content.replace(b":", b";"))
    with pytest.raises(Refused, match="has no range for you"):
        subordinate(str(file), inside=0)


@given(st.text("az", min_size=1), st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_range_is_a_name_a_start_and_a_count(name: str, start: int, count: int) -> None:
    match = re.fullmatch(_RANGE, f"{name}:{start}:{count}")
    assert match is not None
    assert match.groups() == (name, str(start), str(count))


def test_no_range_or_no_file_is_refused_with_what_would_work(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(Refused) as caught:
        subordinate(str(missing), inside=1)
    assert str(caught.value) == (
        f"{missing} has no range for you (fence user, without map=auto)"
    )


# -- maps ---------------------------------------------------------------------------------


@pytest.mark.everyone
def test_a_map_of_oneself_is_written(mapless: int) -> None:
    uids, gids = oneself()
    assert (idmap.uid_map(mapless), idmap.gid_map(mapless)) == ([], [])
    write_maps(mapless, uids, gids)
    assert (idmap.uid_map(mapless), idmap.gid_map(mapless)) == (uids, gids)


@pytest.mark.everyone
def test_who_maps_only_oneself_without_privileges_gives_up_setgroups(mapless: int) -> None:
    write_maps(mapless, *oneself())
    expected = "allow" if os.geteuid() == 0 else "deny"
    assert Path(f"/proc/{mapless}/setgroups").read_text().strip() == expected


@pytest.mark.root
def test_root_maps_others_in_several_ranges(mapless: int) -> None:
    ranges = [MapRange(0, 1000, 1), MapRange(1, 100000, 65536)]
    write_maps(mapless, ranges, ranges)
    assert idmap.uid_map(mapless) == idmap.gid_map(mapless) == ranges


@pytest.mark.root
@pytest.mark.parametrize(
    "ranges", [[MapRange(0, 0, 0)], [MapRange(0, 0, 2), MapRange(1, 5, 1)], []]
)
def test_a_map_that_makes_no_sense_is_refused_by_the_kernel(
    mapless: int, ranges: list[MapRange]
) -> None:
    with pytest.raises(KernelError) as caught:
        write_maps(mapless, ranges, ranges)
    assert (caught.value.call, caught.value.subject) == ("write", f"/proc/{mapless}/gid_map")
    assert idmap.uid_map(mapless) == []


@pytest.mark.root
def test_a_map_is_written_only_once(mapless: int) -> None:
    write_maps(mapless, *oneself())
    with pytest.raises(KernelError, match="EPERM"):
        write_maps(mapless, *oneself())


@pytest.mark.userns
def test_without_newgidmap_others_cannot_be_mapped(
    mapless: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    others = [MapRange(0, os.geteuid(), 1), MapRange(1, 100000, 5)]
    with pytest.raises(Refused) as caught:
        write_maps(mapless, others, others)
    assert str(caught.value) == ("a map of others needs newgidmap (apt-get install uidmap)")


@pytest.mark.userns
def test_what_newgidmap_says_is_told(mapless: int) -> None:
    others = [MapRange(0, 0, 1)]
    with (
        Journal().recording() as book,
        pytest.raises(Refused, match=r"newgidmap refused the map: .*[a-z]"),
    ):
        write_maps(mapless, others, others)
    assert [call.same_as for call in book.calls()] == [f"newgidmap {mapless} 0 0 1"]
    assert idmap.uid_map(mapless) == []
