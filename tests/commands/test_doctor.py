"""doctor: facts of this machine, and a fix for each that stands in the way."""

import json

from shellplay.commands.doctor_checks import findings
from tests.repl.program import shellplay


def test_it_looks_at_everything_without_changing_anything() -> None:
    found = {one.name: one for one in findings()}
    assert {"kernel", "bash", "namespaces", "user fence", "live fences", "limits"} <= set(found)
    assert all(one.fact for one in found.values())


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
