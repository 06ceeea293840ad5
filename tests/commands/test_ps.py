"""ps -l: the long listing, beside what ps(1) prints at the same moment."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from shellplay.model import Process, ProcessDetails, Role
from shellplay.playground.processes import with_details
from shellplay.views import ps
from shellplay.views.render import render
from tests.repl.program import shellplay

pytestmark = pytest.mark.everyone
PS = "ps -ww -e -o pid= -o user:32= -o rss= -o pcpu="


def test_the_long_listing_has_the_numbers_of_ps() -> None:
    done = shellplay("-c", f"new web; spawn sleep 1000; ps host -l --json; !{PS}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("{"))
    rows = {int(pid): rest for pid, *rest in map(str.split, lines[at + 1 :])}
    processes = json.loads(lines[at])["processes"]
    assert {"repl", "playground", "shell", "job"} == {each["role"] for each in processes}
    for each in processes:
        user, rss, percent = rows[each["pid"]]
        assert each["user"] == user
        if each["role"] == "shell":
            assert each["memory"] / 1024 == pytest.approx(float(rss), abs=512)
            assert each["cpu_percent"] == pytest.approx(float(percent), abs=20)


def test_both_views_have_a_long_table_and_a_short_one() -> None:
    for line in ("ps", "ps host"):
        done = shellplay("-c", f"new; {line} -l; {line}", COLUMNS="120")
        assert done.returncode == 0, done.stderr
        long, short = (each for each in done.stdout.splitlines() if "COMMAND" in each)
        added = [word for word in long.split() if word not in short.split()]
        assert added == ["USER", "%CPU", "RSS", "START"]


def test_the_documents_without_l_have_no_more_keys_than_before() -> None:
    done = shellplay("--json", "-c", "new; ps; ps -l")
    short, long = (json.loads(each)["processes"][0] for each in done.stdout.splitlines())
    assert set(long) - set(short) == set(ProcessDetails.fields)


def test_a_process_that_has_gone_shows_dashes() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    gone = Process(child.pid, os.getpid(), (child.pid,), "S", 0, "true", role=Role.JOB)
    _, row = render(ps.inside(with_details([gone])), 80, color=False).splitlines()
    assert row.split() == [str(child.pid), "0", str(child.pid), "-", "-", "-", "-", "S", "true"]


def test_many_processes_of_the_host_are_only_counted_where_that_is_asked_for() -> None:
    mine = Process(1, 0, (1,), "S", 0, "bash", role=Role.SHELL)
    others = [Process(n, 1, (n,), "S", 0, "other", role=Role.HOST) for n in range(2, 18)]
    few = others[:15]
    assert "other host" not in render(ps.inside([mine, *few], folds=True), 80, color=False)
    for folds, shown, folded in ((True, 0, True), (False, 16, False)):
        text = render(ps.inside([mine, *others], folds=folds), 80, color=False)
        assert len([row for row in text.splitlines() if row.endswith(" other")]) == shown
        assert ("+ 16 other host processes (ps -a)" in text) is folded
