"""Options of fences: what makes no sense is refused before anything is done."""

from __future__ import annotations

import pytest

from shellplay.errors import UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.time import seconds


@pytest.mark.parametrize(
    "text",
    [
        *(",", "0", "0:0", "0:0:0", "0:0:1,", "-1:0:1", "0:-1:1", "0:0:-1", "a:0:1", "0:0:1:1"),
        # What the kernel would cut to 32 bits, and take.
        *("0:0:99999999999999999999", "4294967296:0:1", "0:4294967295:1", "1:0:4294967295"),
    ],
)
def test_a_map_is_ranges_of_ids_that_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="is not a map"):
        REGISTRY["user"].parse({"map": text})


@pytest.mark.parametrize("text", ["0:0:4294967295", "0:1000:1,1:100000:65536", "7:4242:1"])
def test_a_map_may_have_several_ranges_and_be_as_large_as_can_be(text: str) -> None:
    assert REGISTRY["user"].parse({"map": text}).given() == {"map": text}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("time", {"boot": "9" * 5000}),
        ("time", {"boot": "9" * 5000 + ":1"}),
        ("time", {"monotonic": "1s" * 5000 + "x"}),
        ("time", {"monotonic": ""}),
        ("time", {"monotonic": "+"}),
        ("user", {"map": "0:" + "9" * 5000 + ":1"}),
        ("pids", {"max": "9" * 5000}),
        ("pids", {"max": "\u0663"}),
        ("cpuset", {"cpus": "\u0663"}),
        ("landlock", {"connect": "9" * 5000}),
        ("seccomp", {"deny": "\udcff"}),
        ("seccomp", {"profile": "~nobody-is-called-so/x"}),
        ("root", {"base": "~nobody-is-called-so/x"}),
    ],
)
def test_whatever_is_typed_is_refused_at_once(kind: str, options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        REGISTRY[kind].parse(options)


@pytest.mark.parametrize(
    ("text", "found"), [("90", 90), ("+1h30", 3630), ("-1d1h1m1s", -90061), ("2w", 1209600)]
)
def test_a_duration_is_read_with_or_without_its_last_unit(text: str, found: int) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("name", ["\udcff", "a\x1bb", "a\nb", "x" * 65, "ä" * 33])
def test_a_host_name_is_short_and_printable(name: str) -> None:
    with pytest.raises(UsageError, match="a host name has"):
        REGISTRY["uts"].parse({"hostname": name})


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("caps", {"keep": ","}),
        ("seccomp", {"deny": " , "}),
        ("seccomp", {"allow": ","}),
        ("landlock", {"read": ","}),
        ("landlock", {"connect": ",,"}),
    ],
)
def test_a_list_of_nothing_is_none(kind: str, options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=f"fence {kind}: .* names nothing"):
        REGISTRY[kind].parse(options)
