"""The plain loop over pipes: prompts, marks, going on after errors, leaving."""

from tests.repl.program import shellplay


def test_it_prompts_goes_on_after_errors_and_leaves_at_the_end() -> None:
    done = shellplay("--plain", typed=b"fnord\n!echo hi\n")
    assert done.returncode == 0
    assert done.stdout == "shellplay> shellplay> hi\nshellplay> \n"
    assert 'unknown command "fnord"' in done.stderr


def test_there_is_not_one_escape_in_it() -> None:
    done = shellplay("--plain", typed=b"help\nfences\nset\n", TERM="xterm-256color")
    assert "\x1b" not in done.stdout + done.stderr


def test_leaving_says_what_it_ended() -> None:
    done = shellplay("--plain", typed=b"new web\n")
    assert "web: stopped, 1 process ended" in done.stdout


def test_marks_with_a_key_are_lines() -> None:
    done = shellplay(typed=b"fnord\n", SHELLPLAY_PLAIN="1", SHELLPLAY_MARKS="N7")
    assert done.stdout == (
        "\x1eA N7 1\nshellplay> \x1eB N7 1\n\x1eC N7 1\n\x1eD N7 1 2\n"
        "\x1eA N7 2\nshellplay> \x1eB N7 2\n\n\x1eC N7 2\n\x1eD N7 2 0\n"
    )


def test_the_prompt_can_be_counted() -> None:
    done = shellplay("--plain", typed=b"quit\n", SHELLPLAY_PROMPT="play[{n}]> ")
    assert done.stdout == "play[1]> "


def test_a_control_character_is_refused_and_the_loop_goes_on() -> None:
    done = shellplay("--plain", typed=b"in echo \x1b[2J\n!echo hi\n")
    assert "control character \\x1b at column 9" in done.stderr
    assert "hi" in done.stdout


def test_every_page_fits_twenty_columns() -> None:
    done = shellplay("--plain", typed=b"help fence\nset\nfences\n", COLUMNS="20")
    assert done.returncode == 0
