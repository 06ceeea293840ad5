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
    assert ["!!", "bash", "none", "(apt-get", "install", "bash)"] in lines


def test_for_programs_each_finding_has_its_fix_or_null() -> None:
    done = shellplay("-c", "doctor --json", PATH="/nowhere")
    document = json.loads(done.stdout)
    found = {one["name"]: one for one in document["findings"]}
    assert document["kind"] == "doctor"
    assert (found["bash"]["ok"], found["bash"]["fix"]) == (False, "apt-get install bash")
    assert (found["kernel"]["ok"], found["kernel"]["fix"]) == (True, None)
