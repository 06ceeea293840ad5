"""doctor: facts of this machine, and a fix for each that stands in the way."""

from shellplay.commands.doctor import findings
from tests.repl.program import shellplay


def test_it_looks_at_everything_without_changing_anything() -> None:
    found = {one.name: one for one in findings()}
    assert {"kernel", "bash", "namespaces", "user fence", "live fences"} <= set(found)
    assert all(one.fact for one in found.values())


def test_what_stands_in_the_way_is_marked_with_its_fix() -> None:
    done = shellplay("-c", "doctor", PATH="/nowhere")
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if "bash" in line]
    assert line.split() == ["!!", "bash", "none", "(apt-get", "install", "bash)"]
