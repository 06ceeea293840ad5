"""What runs inside is told of the user's terminal."""

import pytest

from tests.repl.program import shellplay


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("linux", "linux"),
        ("screen", "screen"),
        ("xterm-256color", "xterm-256color"),
        ("xterm-of-tomorrow", "xterm-256color"),
        ("no-such-terminal", "dumb"),
        ("dumb", "dumb"),
        ("", "dumb"),
    ],
)
def test_a_bash_has_the_kind_of_terminal_that_the_user_has(outside: str, inside: str) -> None:
    done = shellplay("-c", "new web; in echo term=$TERM; exec printenv TERM", TERM=outside)
    assert f"term={inside}\n" in done.stdout
