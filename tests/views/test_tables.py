"""The tables of ps, tree, fences and containers, for every width."""

from __future__ import annotations

import re
import time

import pytest

from shellplay.model import FenceRecord, How, Process
from shellplay.views import containers, fences, ps, stats, text_width, tree
from shellplay.views.drawing import Column, Drawing, Table
from shellplay.views.render import render
from tests.views.samples import INSIDE, LONG, PLAYGROUND, RECORDS, ROWS, SUMMED, USAGES, Taken

DRAWINGS = {
    "ps host": ps.host(PLAYGROUND),
    "ps": ps.inside(INSIDE),
    "ps -l": ps.inside(LONG),
    "ps host -l": ps.host(Taken(LONG, 3)),
    "tree": tree.tree(PLAYGROUND.processes),
    "fences": fences.Fences(RECORDS, "web"),
    "fences -a -v": fences.Fences(RECORDS, "web", all_=True, inodes=True),
    "containers": containers.table(ROWS),
    "stats": stats.table(USAGES),
}
every_drawing = pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS.keys())


def shown(drawing: Drawing, width: int = 120) -> list[str]:
    """Return the lines without colours."""
    return render(drawing, width, color=False).splitlines()


def test_ps_host_is_a_tree_with_every_pid_of_each_process() -> None:
    assert shown(ps.host(PLAYGROUND)) == [
        "HOST PID  PPID  INSIDE  CONTAINER  S ROLE        COMMAND",
        "    4100  3990       -  -          S repl        shellplay",
        "    4104  4100       -  -          S playground    playground",
        "    4110  4104       -  web        T parked          bash",
        "    4242  4110       1  web        S shell             bash",
        "    4250  4242       7  web        S job                 sleep 1000",
        "    4300  4242     9/1  web        S job                 "
        r"sh -c \x1b]0;owned\x07\n\xff",
        "    4111  4104       -  db         S shell           bash",
        "+ 143 other host processes (ps host -a)",
    ]


def test_nothing_is_said_of_other_processes_if_there_are_none() -> None:
    assert shown(ps.host(Taken(PLAYGROUND.processes, 0)))[-1].endswith("bash")
    assert shown(ps.host(Taken([], 1)))[-1] == "+ 1 other host process (ps host -a)"


def test_ps_shows_what_the_bash_sees_beside_the_pids_of_the_host() -> None:
    assert shown(ps.inside(INSIDE)) == [
        "PID  PPID  HOST PID  S  COMMAND",
        "  1     0      4242  S  bash",
        "  7     1      4250  S  sleep 1000",
        r"9/1     1      4300  S  sh -c \x1b]0;owned\x07\n\xff",
    ]


def test_a_long_listing_has_user_cpu_memory_and_start_of_each_process() -> None:
    assert shown(ps.inside(LONG)) == [
        "PID  PPID  HOST PID  USER          %CPU   RSS  START  S  COMMAND",
        "  1     0      4242  root           0.0  4264   1970  S  bash",
        r"  7     1      4250  al\x1b[1mice  12.3     1   1970  S  sleep 1000",
        r"9/1     1      4300  -                -     -      -  S  "
        r"sh -c \x1b]0;owned\x07\n\xff",
    ]
    heading, *_, last = shown(ps.host(Taken(LONG, 3)))
    assert heading.split()[4:8] == ["CONTAINER", "USER", "%CPU", "RSS"]
    assert last == "+ 3 other host processes (ps host -a)"


def test_a_long_listing_gives_its_room_to_the_command_on_a_narrow_terminal() -> None:
    heading, bash, *_ = shown(ps.host(Taken(LONG, 0)), 48)
    assert heading.split() == ["HOST", "PID", "USER", "COMMAND"]
    assert bash.split() == ["4242", "root", "bash"]


def test_a_start_is_a_time_of_today_a_day_of_this_year_or_a_year() -> None:
    yesterday = time.mktime((2026, 9, 3, 7, 5, 0, 0, 0, -1))
    today = time.mktime((2026, 9, 4, 0, 1, 0, 0, 0, -1))
    assert [ps.start(each, today) for each in (yesterday, today)] == ["Sep03", "00:01"]
    assert ps.start(yesterday - 400 * 86_400, today) == "2025"


def test_stats_shows_use_beside_limits_and_what_nobody_counts() -> None:
    assert shown(stats.table(USAGES)) == [
        "NAME                  PIDS  REFUSED       MEMORY   PEAK  OOM KILLS          CPU"
        "  THROTTLED  READ/WRITTEN",
        "web                 3 / 50        0  12.5M / 64M  64.0M          1  1.50s / 0.5"
        "      0.25s  0B/4.0K",
        r"db\x1b[1m (paused)       1        -            -      -          -            -"
        "          -  -",
        "- is counted after a limit: fence memory, fence cpu, fence io",
    ]
    assert shown(stats.table(USAGES[1:])) == [
        "NAME                PIDS",
        r"db\x1b[1m (paused)  1",
        "- is counted after a limit: fence memory, fence cpu, fence io",
    ]


def test_stats_marks_sums_over_processes() -> None:
    hint = "~ is a sum over the processes, and exact once it is limited (help stats)"
    assert shown(stats.table([SUMMED])) == [
        "NAME  PIDS  MEMORY  CPU",
        "new      2   ~4.0M  ~0.25s",
        hint,
    ]
    web, new, below = shown(stats.table([USAGES[0], SUMMED]))[1:]
    assert ("~" in web, new.count("~"), below) == (False, 2, hint)


def test_ps_of_nothing_is_only_its_titles() -> None:
    assert len(shown(ps.inside([]))) == 1


def test_the_tree_has_a_node_where_a_pid_namespace_begins() -> None:
    assert shown(tree.tree(PLAYGROUND.processes)) == [
        "pid:[4026531836] host",
        "└─ 4100 repl: shellplay",
        "   └─ 4104 playground: playground",
        "      ├─ 4110 parked, web: bash",
        "      │  └─ pid:[4026532399]",
        "      │     └─ 4242/1 shell, web: bash",
        "      │        ├─ 4250/7 job, web: sleep 1000",
        "      │        └─ pid:[4026532500]",
        r"      │           └─ 4300/9/1 job, web: sh -c \x1b]0;owned\x07\n\xff",
        "      └─ 4111 shell, db: bash",
    ]


def test_a_tree_may_be_deeper_than_the_interpreter_can_recurse() -> None:
    deep = [Process(pid, pid - 1, (pid,), "S", 0, "sh", namespace=1) for pid in range(2, 5000)]
    lines = shown(tree.tree(deep), 80)
    assert len(lines) == 4999
    assert lines[-1].endswith("└─ 4999: sh")
    assert max(map(text_width.width, shown(ps.host(Taken(deep, 0)), 80))) <= 80


def test_fences_lists_what_is_up_and_names_the_other_layers_in_one_line() -> None:
    assert shown(fences.Fences(RECORDS, "web")) == [
        "FENCE  LAYER           HOW       OPTIONS       PEEL",
        "uts    fenced          in-place  hostname=web  in place",
        "pid    shared with db  forked    -             wakes 4110",
        "net    fenced          in-place  -             in place",
        "web: 3 of 4 layers fenced; as on the host: user",
    ]


def test_with_all_and_verbose_each_layer_has_a_row_with_its_inodes() -> None:
    assert shown(fences.Fences(RECORDS, "web", all_=True, inodes=True)) == [
        "FENCE  LAYER           KERNEL                    HOW       OPTIONS       PEEL",
        "user   host            4026531837                -         -             -",
        "uts    fenced          4026531838 -> 4026532398  in-place  hostname=web  in place",
        "pid    shared with db  4026531836 -> 4026532399  forked    -             wakes 4110",
        "net    fenced          4026531833 -> unknown     in-place  -             in place",
        "web: 3 of 4 layers fenced",
    ]


def test_what_the_kernel_shows_of_a_limit_needs_no_option() -> None:
    pids = FenceRecord("pids", True, How.OUTSIDE, host_state="no limit", shell_state="20")
    titles, row, _ = shown(fences.Fences([pids, RECORDS[1]], "web"))[:3]
    assert titles.split() == ["FENCE", "KERNEL", "HOW", "OPTIONS", "PEEL"]
    assert "no limit -> 20" in row


def test_a_column_that_says_nothing_is_left_out() -> None:
    assert shown(fences.Fences(RECORDS[:2], "web", all_=True))[0].split() == [
        *("FENCE", "LAYER", "HOW", "OPTIONS", "PEEL")
    ]
    assert shown(fences.Fences(RECORDS[2:3], "db"))[0].split() == [
        *("FENCE", "LAYER", "HOW", "PEEL")
    ]


def test_without_a_fence_the_summary_is_the_whole_list() -> None:
    lines = shown(fences.Fences(RECORDS[:1], "web"), 40)
    assert lines == ["web: nothing is fenced yet (fences -a", "  lists the 1 layers)"]


def test_of_the_host_every_layer_is_listed() -> None:
    (_, line, _) = shown(fences.Fences([FenceRecord("time", up=False)], "host"))
    assert line.split() == ["time", "host", "unknown", "-", "-"]


def test_of_a_bash_that_has_ended_no_layer_is_known() -> None:
    ended = [FenceRecord("uts", up=False, host=4026531838)]
    assert shown(fences.Fences(ended, "web", all_=True)) == ["web: its bash has ended"]


def test_containers_are_listed_with_the_current_one_marked() -> None:
    assert shown(containers.table(ROWS)) == [
        "   NAME    BASH  STATE  PARKED  FENCES",
        "*  web   4242/1  idle        1  uts pid",
        "   box1    4111  busy        0  -",
    ]


@every_drawing
def test_no_line_is_wider_than_the_terminal(drawing: Drawing) -> None:
    for width in (*range(1, 60), 80, 500):
        assert max(map(text_width.width, shown(drawing, width))) <= width


@every_drawing
def test_without_colour_there_is_no_escape_sequence(drawing: Drawing) -> None:
    assert "\x1b" not in render(drawing, 80, color=False)


@every_drawing
def test_colours_change_nothing_but_colours(drawing: Drawing) -> None:
    colored = render(drawing, 80, color=True)
    assert "\x1b[" in colored
    bare = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    plain = render(drawing, 80, color=False)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_on_twenty_columns_the_pid_and_the_command_stay() -> None:
    lines = shown(ps.host(PLAYGROUND), 20)
    assert lines[0] == "HOST PID  COMMAND"
    assert lines[4] == "    4242     bash"
    assert lines[5] == "    4250      sleep…"
    assert shown(ps.inside(INSIDE), 20)[2] == "  7  sleep 1000"
    assert [line.split() for line in shown(fences.Fences(RECORDS, "web"), 20)][1] == [
        "uts",
        "fenced",
    ]


def test_a_long_name_does_not_push_the_command_out() -> None:
    one = Process(1, 0, (1,), "S", 0, "bash", "n" * 63)
    line = shown(ps.host(Taken([one], 0)), 80)[1]
    assert line.endswith("bash")
    assert "n…" in line


def test_wide_characters_take_two_cells_and_accents_none() -> None:
    assert text_width.width("日本") == 4
    assert text_width.width("e\u0301") == 1
    assert text_width.fit("日本語", 5) == "日本…"
    assert text_width.fit("日本語", 4) == "日…"
    assert text_width.fit("abc", 0) == ""
    assert text_width.pad("日本", 5) == "日本 "
    assert text_width.pad("日本", 5, right=True) == " 日本"


def test_a_table_of_one_column_is_cut_to_the_width() -> None:
    assert shown(Table([Column("WORD")], [[("", "abcdefgh")]]), 6) == ["WORD", "abcde…"]


def test_strings_and_rich_things_are_rendered_too() -> None:
    from rich.text import Text

    assert render("bad \x1b[2J", 80, color=False) == r"bad \x1b[2J"
    assert render(Text("red", style="red"), 80, color=False) == "red\n"
    assert render(Text("red", style="red"), 80, color=True) == "\x1b[31mred\x1b[0m\n"
