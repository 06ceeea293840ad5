"""The state of a bash: lines that create it, and lines that show whether it is complete."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from shellplay.container.container import Container


class Belonging(NamedTuple):
    """One item: a line that creates it, a line that shows it, and the expected output."""

    make: str
    show: str
    shown: str


BELONGINGS: dict[str, Belonging] = {
    "variable": Belonging("a='one  two'", 'echo "$a"', "one  two\n"),
    "awkward variable": Belonging(
        r"""b=$'tab\there, quote\' " and \\ and é'""",
        """printf '%s\\n' "$b" """,
        "tab\there, quote' \" and \\ and é\n",
    ),
    "variable of many lines": Belonging(
        "c=$'first\\n\\nlast\\n'", """printf '[%s]\\n' "$c" """, "[first\n\nlast\n]\n"
    ),
    "environment": Belonging("export FROM_BASH=yes", "printenv FROM_BASH", "yes\n"),
    "integer": Belonging("declare -i count=6", "count+=1; echo $count; count=6", "7\n"),
    "array": Belonging("list=(x 'y z')", "echo ${#list[@]} ${list[1]}", "2 y z\n"),
    "sparse array": Belonging("far[7]=seven", "echo ${!far[@]}=${far[@]}", "7=seven\n"),
    "associative array": Belonging(
        "declare -A ages=([ann]=7 ['b ob']=8)", "echo ${ages[ann]} ${ages[b ob]}", "7 8\n"
    ),
    "empty variable": Belonging("empty=", "echo ${empty-unset}", "\n"),
    "read-only variable": Belonging(
        "readonly fixed=1", "declare -p fixed", 'declare -r fixed="1"\n'
    ),
    "function": Belonging(
        "greet() { local who=$1; echo \"hello $who\" | cat; }", "greet you", "hello you\n"
    ),
    "alias": Belonging("alias shout='echo LOUD'", "shout", "LOUD\n"),
    "shell option": Belonging("shopt -s nullglob", "echo /no/such/*", "\n"),
    "set option": Belonging("set -o pipefail", "false | true; echo $?", "1\n"),
    "trap": Belonging(
        "trap 'echo \"it'\\''s\"' USR1", "trap -p USR1", "trap -- 'echo \"it'\\''s\"' SIGUSR1\n"
    ),
    "umask": Belonging("umask 027", "umask", "0027\n"),
    "history": Belonging(
        "history -s 'echo remembered'", "history | grep -c 'echo [r]emembered$'", "1\n"
    ),
}  # fmt: skip


def pack(container: Container, directory: Path) -> None:
    """Create all items in the bash of a container, with ``directory`` as its directory."""
    for name, each in BELONGINGS.items():
        assert container.run(each.make).status == 0, name
    assert container.run(f"cd {directory}").status == 0


def shown(container: Container) -> dict[str, str]:
    """Return the output for each item, and the working directory."""
    found = {name: container.run(each.show).output for name, each in BELONGINGS.items()}
    return {**found, "cwd": container.run('echo "$PWD"; /bin/pwd').output}


def expected(directory: Path) -> dict[str, str]:
    """Return the result of ``shown`` if nothing was lost."""
    found = {name: each.shown for name, each in BELONGINGS.items()}
    return {**found, "cwd": f"{directory}\n{directory}\n"}
