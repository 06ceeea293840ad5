"""Stories of ``enter``: the live bash is a whole terminal, and it lives on behind us."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.terminal import Terminal

pytestmark = pytest.mark.e2e

LEFT = r"web: left, bash \d+ lives on"
# The answer never stands in the line that was typed.
ANSWER = "echo in-$((40+2))\r"


def enter(terminal: Terminal) -> None:
    """Enter the current container and wait for its prompt."""
    terminal.send("enter\r")
    terminal.expect("leaves, the bash lives on")
    terminal.expect(r"[#$] ")


def leave(terminal: Terminal) -> None:
    """Leave it again, and wait until the prompt reads keys."""
    terminal.control("]")
    terminal.expect(LEFT)
    terminal.ready()


def test_ctrl_c_inside_reaches_what_runs_there_and_nobody_else(web: Terminal) -> None:
    enter(web)
    # Said by what is to be stopped: bash itself could still be starting it.
    web.send("sh -c 'echo go-$((40+2)); exec sleep 1000'\r")
    web.expect("go-42")
    web.control("c")
    web.expect(r"[#$] ")
    web.send("echo status-$?\r")
    web.expect("status-130")
    leave(web)
    assert web.run("in echo x-$((40+2))") == (0, "x-42\n")


def test_ctrl_z_inside_stops_a_job_that_can_be_brought_back(web: Terminal) -> None:
    enter(web)
    web.send("echo go-$((40+2)); cat\r")
    web.expect("go-42\r\n")
    web.send("twice\r")
    web.expect("twice\r\ntwice\r\n")
    web.control("z")
    web.expect(r"\[1\]\+\s+Stopped\s+cat")
    leave(web)
    assert "Stopped" in web.run("in jobs")[1]
    enter(web)
    web.send("fg\r")
    web.expect("fg\r\ncat\r\n")
    web.control("d")
    web.expect(r"[#$] ")
    leave(web)
    assert web.run("in jobs") == (0, "")


def test_a_new_size_reaches_the_bash_at_once_and_also_when_it_came_while_away(
    web: Terminal,
) -> None:
    # The last row has the bar.
    enter(web)
    web.shell.setwinsize(34, 91)
    web.send("trap 'echo size-$(stty size)' WINCH; stty size\r")
    web.expect("33 91")
    web.expect(r"[#$] ")
    web.shell.setwinsize(35, 92)
    web.expect("size-34 92")
    leave(web)
    web.shell.setwinsize(36, 93)
    web.send("enter\r")
    web.expect("size-35 93")
    leave(web)


@pytest.mark.skipif(shutil.which("less") is None, reason="needs less(1)")
def test_a_full_screen_program_is_left_and_entered_and_the_screen_is_restored(
    web: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "page").write_text("It stands on the screen.\n")
    enter(web)
    web.send(f"less {tmp_path}/page\r")
    web.expect(re.escape("\x1b[?1049h"))
    web.expect("It stands on the screen")
    web.control("]")
    assert "\x1b[?1049l" in web.expect(LEFT)
    web.ready()
    status, refusal = web.run("in echo hello")
    assert (status, "bash is busy: less" in refusal) == (1, True)
    web.send("enter\r")
    web.expect(re.escape("\x1b[?1049h"))
    web.expect("It stands on the screen")
    web.send("q")
    web.expect(re.escape("\x1b[?1049l"))
    web.expect(r"[#$] ")
    leave(web)


def test_a_paste_of_twenty_kilobytes_arrives_whole(web: Terminal) -> None:
    enter(web)
    web.send("stty -echo; wc -lc; stty echo\r")
    web.expect("\r\n")
    web.send("0123456789abcdefghi\n" * 1000)
    web.control("d")
    web.expect(r"\b1000\s+20000\b")
    web.expect(r"[#$] ")
    leave(web)


def test_what_prints_without_end_while_nobody_looks_is_not_held_up(web: Terminal) -> None:
    web.run("in count() { while :; do i=$((i+1)); echo $i; done; }")
    enter(web)
    web.send("count\r")
    web.expect("\r\n100\r\n")
    leave(web)
    assert "busy" in web.run("containers")[1]
    # It is past what a pty holds by far, and goes on.
    while int(re.findall(r"^\d+$", web.run("logs")[1], re.M)[-1]) < 20000:
        continue
    web.send("enter\r")
    web.expect(r"\r\n\d+\r\n")
    web.control("c")
    web.send(ANSWER)
    web.expect("in-42")
    leave(web)


def test_the_exit_of_an_unfenced_bash_leads_back_to_the_prompt(web: Terminal) -> None:
    enter(web)
    web.send("exit\r")
    web.expect(r"web: bash \d+ has exited, and web is gone \(new makes another\)")
    web.ready()
    assert "no containers" in web.run("containers")[1]


def test_restart_starts_the_bash_again_that_has_exited_with_an_error(web: Terminal) -> None:
    status, told = web.run("in exit 3")
    assert (status, "has exited (restart or rm web)" in told) == (1, True)
    assert "bash itself has exited or was replaced" in told
    status, refusal = web.run("in ls")
    assert (status, "bash in web has exited (restart web; or rm web)" in refusal) == (1, True)
    assert "web: bash started" in web.run("restart")[1]
    assert web.run("in echo in-$((40+2))") == (0, "in-42\n")


def test_the_container_before_is_current_again_after_the_program_of_run(web: Terminal) -> None:
    assert "hello" in web.run("run --name db host echo hello")[1]
    web.run("run --rm host true")
    assert web.run("in echo in-$((40+2))") == (0, "in-42\n")
    assert "db was started by run" in web.run("restart db")[1]


WAITS = r"web: the bash inside pid has ended \(0\), and bash \d+ waits outside; peel goes on"


def test_enter_goes_on_with_the_bash_outside_after_the_exit_of_a_fenced_one(
    web: Terminal,
) -> None:
    web.run("fence pid")
    enter(web)
    web.send("echo me-$$; exit\r")
    web.expect("me-1\r\n")
    web.expect(WAITS)
    web.expect("Enter does that now, any other key leaves")
    web.send("\r")
    web.expect(r"web: bash \d+ goes on, outside pid")
    web.expect("leaves, the bash lives on")
    web.expect(r"[#$] ")
    web.send("echo me-$$\r")
    web.expect(r"me-\d\d+\r\n")
    leave(web)
    assert "pid" not in web.run("containers")[1]


def test_keys_for_the_bash_inside_are_not_typed_outside(web: Terminal) -> None:
    web.run("fence pid")
    enter(web)
    web.send("sleep 0.3; exit\r\recho out-$((40+2))\r")
    web.expect("any other key leaves")
    web.send("x")
    web.ready()
    status, refusal = web.run("in ls")
    assert (status, "waits outside" in refusal) == (1, True)
    assert "goes on, outside pid" in web.run("peel")[1]
    assert web.run("in echo here-$$")[0] == 0
    assert "out-42" not in web.run("logs")[1]


def test_the_prompt_inside_follows_a_fence_that_went_up_meanwhile(web: Terminal) -> None:
    enter(web)
    leave(web)
    web.run("fence uts hostname=fenced")
    web.send("enter\r")
    web.expect(r"@fenced:[^\r\n]*[#$] ")
    leave(web)
    web.run("peel uts")
    web.send("half a line")
    web.control("]")
    web.expect("lives on")
    assert "@fenced" not in web.expect(r"[#$] ")
    leave(web)
