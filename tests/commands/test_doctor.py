"""doctor: facts of this machine, and a fix for each that stands in the way."""

import json
import os

import pytest

from shellplay.commands.doctor_checks import findings
from shellplay.views.stats import size
from tests.repl.program import shellplay


def test_it_looks_at_everything_without_changing_anything() -> None:
    found = {one.name: one for one in findings()}
    assert {"kernel", "bash", "namespaces", "user fence", "live fences", "limits"} <= set(found)
    assert all(one.fact for one in found.values())


@pytest.mark.everyone
def test_it_tells_what_the_machine_is_made_of_and_who_asks() -> None:
    found = {one.name: one.fact for one in findings()}
    usable, online = len(os.sched_getaffinity(0)), os.cpu_count()
    assert found["processors"].startswith(f"{online}, " + f"{usable} of" * (usable != online))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert found["memory"].startswith(f"{size(pages)}, ")
    assert found["user"].split("; ")[0].endswith(f", uid {os.getuid()}")


def test_what_stands_in_the_way_is_marked_with_its_fix() -> None:
    done = shellplay("-c", "doctor", PATH="/nowhere")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    at = lines.index(["!!", "bash", "there", "is", "no", "bash", "on", "this", "machine"])
    assert lines[at + 1] == ["try:", "apt-get", "install", "bash"]


def test_for_programs_each_finding_has_its_fix_or_null() -> None:
    done = shellplay("-c", "doctor --json", PATH="/nowhere")
    document = json.loads(done.stdout)
    found = {one["name"]: one for one in document["findings"]}
    assert document["kind"] == "doctor"
    assert (found["bash"]["ok"], found["bash"]["fix"]) == (False, "apt-get install bash")
    assert (found["kernel"]["ok"], found["kernel"]["fix"]) == (True, None)
    assert found["bash"]["when"] == "now"
    assert found["kernel"]["when"] is None
    assert {one["group"] for one in document["findings"]} == {"machine", "hardening"}
    assert {"terminal", "ptrace", "programs", "directories"} <= set(found)


def test_no_fix_that_takes_a_reboot_or_another_kernel_is_offered_as_one_to_try() -> None:
    lines = shellplay("-c", "doctor", COLUMNS="500").stdout.splitlines()
    document = json.loads(shellplay("-c", "doctor --json").stdout)
    said = {"now": "try: ", "boot": "only at the next boot: ", "kernel": "only with another"}
    for one in document["findings"]:
        if one["fix"]:
            [line] = [line.strip() for line in lines if line.endswith(f": {one['fix']}")]
            assert line.startswith(said[one["when"]])
