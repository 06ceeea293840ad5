from pathlib import Path

from tests.parity.compare import RUN, Difference, comparable, differences
from tests.parity.listed import PAGE, listed_lines, rows, unlisted, unseen
from tests.parity.scenarios import SCENARIOS
from tests.parity.sides import numbers

TABLE = """
| question | options | reason |
|---|---|---|
| `mount./dev*` `device.core` | all | made in another way |
| `process.first` | init, shared | another init |
"""


class Somebody:
    name = "somebody"

    def command(self, options: object, words: object) -> list[str]:
        raise NotImplementedError

    def host(self, kind: str) -> int:
        return {"net": 1, "pid": 2}[kind]


def difference(question: str, scenario: str = "none") -> Difference:
    return Difference(scenario, question, "a", "b")


def test_what_differs_is_named_with_both_answers_and_what_is_equal_is_not() -> None:
    found = differences("none", {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "3", "d": "4"})
    assert found == [
        Difference("none", "b", "2", "3"),
        Difference("none", "c", "3", "-"),
        Difference("none", "d", "-", "4"),
    ]


def test_a_side_that_could_not_run_differs_in_that_alone() -> None:
    found = differences("none", {RUN: "exit 125"}, {"a": "1", "b": "3"})
    assert [each.question for each in found] == [RUN]


def test_namespaces_are_compared_by_whose_they_are() -> None:
    found = comparable({"namespace.net": "1", "namespace.pid": "7"}, Somebody())
    assert found == {"namespace.net": "host's", "namespace.pid": "own"}


def test_the_identity_of_a_container_is_not_compared_wherever_it_shows() -> None:
    name = "0123456789ab"
    answers = {
        "environment.HOSTNAME": name,
        "text./etc/hosts": f"172.17.0.2\t{name}",
        "mount./sys/fs/cgroup/pids.source": f"cgroup /docker/{name}{'c' * 52}",
    }
    assert comparable(answers, Somebody()) == {
        "environment.HOSTNAME": "ID",
        "text./etc/hosts": "ADDRESS\tID",
        "mount./sys/fs/cgroup/pids.source": "cgroup /.../ID",
    }


def test_a_name_that_was_given_is_compared() -> None:
    assert comparable({"environment.HOSTNAME": "web"}, Somebody()) == {
        "environment.HOSTNAME": "web"
    }


def test_a_row_covers_its_questions_in_its_scenarios_and_no_others() -> None:
    new = unlisted(
        [
            difference("mount./dev/null.options"),
            difference("mount./"),
            difference("process.first", "init"),
            difference("process.first", "none"),
        ],
        rows(TABLE),
    )
    assert [(each.question, each.scenario) for each in new] == [
        ("mount./", "none"),
        ("process.first", "none"),
    ]


def test_a_row_that_covers_nothing_any_more_is_told() -> None:
    (row,) = unseen([difference("device.core")], rows(TABLE))
    assert row.questions == ("process.first",)


def test_every_row_of_the_page_is_read_and_names_scenarios_that_there_are() -> None:
    text = PAGE.read_text()
    found = rows(text)
    assert len(found) == len(listed_lines(text)) > 20
    assert {name for row in found for name in row.scenarios} <= {
        "all",
        *(scenario.name for scenario in SCENARIOS),
    }


def test_no_row_covers_what_must_never_differ() -> None:
    asked = [
        difference(question)
        for question in (
            *("status.CapEff", "status.CapBnd", "status.NoNewPrivs", "status.Seccomp"),
            *("namespace.pid", "namespace.net", "namespace.mnt", "syscall.mount"),
            *("path./proc/kcore.read", "path./proc/sys/kernel/core_pattern.write"),
            *("process.user", "environment.PATH", "descriptor.3", "exit.missing"),
        )
    ]
    assert unlisted(asked, rows(PAGE.read_text())) == asked


def test_system_calls_are_tried_by_the_numbers_of_this_machine() -> None:
    found = numbers()
    assert len(found) > 300
    assert {"mount", "unshare", "bpf", "keyctl"} <= set(found)
    assert not {"exit", "reboot"} <= set(found)


def test_the_questions_need_nothing_but_python_itself() -> None:
    text = Path(__file__).with_name("questions.py").read_text()
    assert "shellplay" not in text
    assert "from tests" not in text
