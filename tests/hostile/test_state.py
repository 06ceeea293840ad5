"""What comes out of a fence with the state of a bash is data: nothing outside executes it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.container.container import Container
from shellplay.errors import ShellplayError
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from shellplay.shell import state_data, state_dump
from shellplay.shell.quoting import quoted, unquoted
from shellplay.shell.state import State
from shellplay.shell.variables import Variable, assignment, parsed
from tests.waiting import wait_until

NOTHING = State({}, {}, "", {"shopt": (), "set": ()}, "0022", (), "", 0, ())
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30) | st.text(
    r"""$`"'\()[]{};&|<>*?~!#%=-a0 é""" + "\n\t\x01\x7f\x1b", max_size=30
)
BYTES = st.binary(max_size=20).map(
    lambda content: content.replace(b"\0", b"").decode("utf-8", "surrogateescape")
)
# What is done outside before the fence, what inside, and what outside after the peel.  ``look``
# writes down where it is executed.
PLANTED = {
    "a number": ("", "n='a[$({look})]'; declare -i n", "n+=1; echo $((n))"),
    "a variable that is used as one": ("", "n='a[$({look})]'", "((n)); [[ n -eq 0 ]]"),
    "a backquote in a subscript": ("", "n='a[`{look}`]'", "((n))"),
    "what is a number outside": ("declare -i n=1", "declare +i n; n='a[$({look})]'", "((n))"),
    "an element": ("", "list=(1 'a[$({look})]')", "((list[1]))"),
    "a key": (
        "",
        "declare -A m; m['$({look})']=1",
        'for k in "${{!m[@]}}"; do unset "m[$k]"; done; ((m[$k]++)); [[ -v "m[$k]" ]]',
    ),
    "a reference": ("", "declare -n ref='a[$({look})]'", 'echo "$ref"; ref=1'),
    "what is a reference outside": (
        "declare -n ref=PS4",
        "unset -n ref; ref='$({look})'",
        "set -x; :; set +x",
    ),
    "a list of functions": ("", "precmd_functions=('{look}')", '"${{precmd_functions[@]}}"'),
    "a position": ("", "set -- 'a[$({look})]'", "(($1))"),
    "history": ("", "history -s $'true\\n{look}'", "true; :"),
    "a line of history that is none": ("", "history -s \"' ; {look} ; '\"", ":"),
    "a half-typed line": ("", "", ""),
}


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """Where an attack writes down whether it was executed inside or outside."""
    return tmp_path / "proof"


def look(proof: Path) -> str:
    """Return a command that writes down whether it is executed behind nnp."""
    return f"grep NoNewPrivs /proc/self/status >>{proof}"


def peeled(container: Container, line: str, *, before: str = ":", kind: str = "nnp") -> str:
    """Run a line behind a fence, and take that off; return what was withheld."""
    container.run(before)
    container.fence(REGISTRY[kind]())
    container.run(line)
    return ", ".join(container.peel(kind).withheld)


@pytest.mark.everyone
@pytest.mark.parametrize("what", PLANTED)
def test_data_is_not_executed_outside(what: str, container: Container, proof: Path) -> None:
    before, inside, after = (each.format(look=look(proof)) for each in PLANTED[what])
    container.run(before or ":")
    container.fence(REGISTRY["nnp"]())
    container.run(inside or ":")
    if not inside:
        container.type(f"{look(proof)};".encode())
        wait_until(lambda: "".join(container.logs().split()).endswith("proof;"), "the keys")
    container.peel("nnp")
    container.type(b"\r")
    wait_until(lambda: container.state == "idle", "the prompt")
    container.run(after or ":")
    found = proof.read_text().split() if proof.exists() else []
    assert "0" not in found


@pytest.mark.everyone
@pytest.mark.parametrize(
    ("before", "inside", "question", "answer"),
    [
        ("", "x=1; y='two words'; z=$'\\n\\e'", 'echo "$x$y${#z}"', "1two words2"),
        ("", "a=(1 'b c'); declare -A m=([k]=v ['x y']=z)", "echo ${a[1]}${m[x y]}", "b cz"),
        ("a=1 b=2", "a=3; unset b", "echo $a${b-gone}", "3gone"),
        ("declare -i n=5", "n=7", "n+=1; echo $n", "8"),
        ("", "export LD_PRELOAD=/x NEW=1", "echo ${LD_PRELOAD-no}$(printenv NEW)$NEW", "no1"),
        ("export TOOL=good", "TOOL=bad", "printenv TOOL", "good"),
        ("export TOOL=good", "unset TOOL", "printenv TOOL", "good"),
        ("set -a", "x=1", "echo [$x$(printenv x)]", "[1]"),
        ("", "readonly i=1", "i=2; echo $i", "2"),
        (
            "",
            "IFS=x HISTFILE=/x CDPATH=/ GLOBIGNORE=x",
            "echo ${HISTFILE-no}${CDPATH-no}",
            "nono",
        ),
        ("", "MAILPATH=/x?$(:) PROMPT_DIRTRIM=1 _x=1", "echo ${MAILPATH-no}${_x-no}", "nono"),
        ("", "set -o pipefail -C", "echo $-; false | true; echo [$?]", "[1]"),
        (
            "",
            "set -aekx; shopt -s dotglob",
            "echo [${-//[!aekx]/}]; shopt dotglob",
            "[]\ndotglob  ",
        ),
        ("declare -i n=1", "declare +i n; n=IFS=7", "echo [$n]", "[1]"),
        ("set -C", "set +C", "echo $-", "C"),
        ("umask 022", "umask 077", "umask", "0077"),
        ("umask 027", "umask 0", "umask", "0027"),
        ("", "set -- 'a b' c", 'echo "$#$1"', "2a b"),
        ("", "complete -W x foo", "complete -p foo 2>&1", "no completion"),
        ("", "unset -f __shellplay_dump; x=1", "echo $x", "1"),
    ],
)
def test_what_comes_out_is_a_value_and_nothing_more(
    before: str, inside: str, question: str, answer: str, container: Container
) -> None:
    peeled(container, inside, before=before or ":")
    assert answer in container.run(question).output


@pytest.mark.everyone
def test_lines_of_history_are_added_to_those_outside(container: Container) -> None:
    container.run("history -s before")
    container.run(": last")
    container.fence(REGISTRY["nnp"]())
    for line in ("history -c", "history -s $'evil\\e]0;x\\a'", 'history -s "it\'s \\$(x)"'):
        container.run(line)
    container.peel("nnp")
    said = container.run("history").output
    assert "  before\n" in said
    assert "  : last\n" in said
    assert "evil\ufffd]0;x\ufffd\n" in said
    assert "it's $(x)\n" in said
    lines = [line.split(None, 1)[1] for line in said.splitlines()]
    container.fence(REGISTRY["nnp"]())
    container.run(": inside")
    container.peel("nnp")
    again = [line.split(None, 1)[1] for line in container.run("history").output.splitlines()]
    assert again[: len(lines)] == lines
    assert again[len(lines) :] == [": inside", "history"]


@pytest.mark.everyone
@pytest.mark.parametrize("name", ["-P", "$(x)", "'", "new\nline", "\x1b]0;x\x07"])
def test_a_directory_is_a_place_and_no_words(
    name: str, container: Container, tmp_path: Path
) -> None:
    inside = tmp_path / name
    inside.mkdir()
    container.run(f"cd {tmp_path}; cd() {{ echo mine; }}; CDPATH=/usr")
    container.fence(REGISTRY["nnp"]())
    container.run(f"builtin cd -- {quoted(str(inside))}")
    change = container.peel("nnp")
    if name.isprintable():
        assert Path(f"/proc/{container.pid}/cwd").readlink() == inside
    else:
        assert "working directory" in change.left
        assert Path(f"/proc/{container.pid}/cwd").readlink() == tmp_path
    assert container.run("echo $((40 + 2))").output == "42\n"


@pytest.mark.root
def test_a_directory_of_the_same_name_is_another_one(container: Container) -> None:
    for kind in ("root", "caps"):
        container.fence(REGISTRY[kind]())
    container.run("cd /usr/bin; x=1")
    outside = container.run("echo $OLDPWD").output.strip()
    change = container.peel("root")
    assert "working directory" in change.left
    assert container.run("pwd; echo $x").output == f"{outside}\n1\n"


@pytest.mark.everyone
def test_what_stays_behind_is_named_and_comes_out_if_that_is_wanted(
    container: Container,
) -> None:
    withheld = peeled(container, "f() { echo f; }; alias a=b; trap : USR1; export NEW=1")
    assert withheld == "function f, alias a, trap SIGUSR1, export NEW"
    assert container.run("f 2>/dev/null; alias; printenv NEW").output == ""
    assert "function f" in container.way_back.carry_code().restored
    assert container.run("f; alias; printenv NEW").output == "f\nalias a='b'\n1\n"
    assert container.way_back.code == ()
    with pytest.raises(ShellplayError, match="no code"):
        container.way_back.carry_code()


@pytest.mark.everyone
def test_nothing_is_named_where_nothing_was_changed(container: Container) -> None:
    assert peeled(container, "x=1", before="f() { :; }; trap : USR1; alias a=b") == ""


@pytest.mark.root
def test_a_fence_that_is_no_boundary_keeps_no_code_back(container: Container) -> None:
    for kind in ("net", "caps"):
        container.fence(REGISTRY[kind]())
    container.run("f() { echo f; }; trap : USR1")
    change = container.peel("net")
    assert change.withheld == ()
    assert container.run("f; trap -p").output == "f\ntrap -- ':' SIGUSR1\n"
    assert container.peel("caps").withheld == ("function f", "trap SIGUSR1")


def test_a_new_bash_outside_gets_data_too() -> None:
    with Playground(Settings(live=False)) as playground:
        container = playground.new()
        assert peeled(container, "f() { :; }; x=1", kind="user") == "function f"
        assert container.run("echo $x; declare -F f").output == "1\n"


@pytest.mark.slow
def test_a_state_of_many_megabytes_comes_out_whole(container: Container) -> None:
    container.fence(REGISTRY["nnp"]())
    container.run("v=$(head -c 5000000 /dev/urandom | base64 -w0); echo ${#v} >/dev/null")
    size = container.run("echo ${#v}").output
    began = time.monotonic()
    container.peel("nnp")
    assert time.monotonic() - began < 60
    assert container.run("echo ${#v}").output == size


FORGED = {
    "nothing": "",
    "no name": '\x1d{token}variables\ndeclare -- a[$(x)]="1"\n',
    "no parts": "\x1d{token}variables\n\x1d{token}line\n0\x1f",
    "no number": "\x1d{token}line\nx\x1fy\x1f\x1d{token}place\na\x1fb\x1f",
}


@pytest.mark.everyone
@pytest.mark.parametrize("what", FORGED)
def test_a_forged_dump_is_refused(what: str, container: Container) -> None:
    with pytest.raises(ShellplayError, match="form of a dump"):
        state_dump.dump(lambda script: FORGED[what].format(token=script.split()[1]))


@pytest.mark.everyone
def test_a_bash_that_forges_its_state_is_left_by_force(
    container: Container, tmp_path: Path
) -> None:
    now, nonce = tmp_path / "now", container.terminal.nonce
    container.fence(REGISTRY["nnp"]())
    answer = f"\\e]133;H;k={nonce}\\a\\x1d0variables\\nx\\e]133;h;k={nonce}\\a"
    container.run(f"trap '[[ ! -e {now} ]] || printf \"{answer}\" >/dev/tty' DEBUG")
    now.touch()
    with pytest.raises(ShellplayError, match=r"form of a dump \(peel nnp --force"):
        container.peel("nnp")
    container.peel("nnp", force=True)
    assert container.run("trap; echo on").output == "on\n"


@given(TEXT | BYTES)
def test_a_quoted_text_is_read_back(text: str) -> None:
    word = quoted(text)
    assert word.isascii()
    assert word.isprintable()
    assert unquoted(word) == text


def bash(script: str) -> bytes:
    """Run a script in a bash of its own; return what it prints."""
    words = ["bash", "--norc", "-c", script]
    environment = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}
    return subprocess.run(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    ).stdout


@given(st.lists(TEXT | BYTES, min_size=1, max_size=8))
def test_bash_takes_values_as_they_are(texts: list[str]) -> None:
    plain = Variable("v", frozenset("a"), None, tuple((str(n), t) for n, t in enumerate(texts)))
    keyed = Variable("m", frozenset("A"), None, (("k", texts[0]), ("a b", texts[-1])))
    single = Variable("s", frozenset(), texts[0])
    script = "\n".join(assignment(each) for each in (plain, keyed, single))
    said = bash(script + '\nprintf "%s\\0" "${v[@]}" "${m[k]}" "${m[a b]}" "$s"')
    found = [each.decode("utf-8", "surrogateescape") for each in said.split(b"\0")[:-1]]
    assert found == [*texts, texts[0], texts[-1], texts[0]]
    rows = bash(script + "\ndeclare -p v m s").decode("utf-8", "surrogateescape")
    read = [parsed(row) for row in rows.removeprefix("declare -").split("\ndeclare -")]
    assert [read[0], read[2]] == [plain, single]
    assert read[1] is not None
    assert sorted(read[1].elements or ()) == sorted(keyed.elements or ())


@pytest.mark.parametrize(
    "before", ["declare -n v=w", "declare -i v=1", "declare -x v", "v=(1)"]
)
def test_a_value_is_that_of_a_new_variable(before: str) -> None:
    new = assignment(Variable("v", frozenset(), "w=(1)"))
    said = bash(f"w=kept; {before}; {new}; declare -p v w")
    assert said == b'declare -- v="w=(1)"\ndeclare -- w="kept"\n'


DECLARED = st.builds(
    "{} {}{}{}".format,
    st.sampled_from(["-", "-i", "x", "a", "A", "n", "ir", "f", "", "aa"]),
    st.sampled_from(["v", "a[$(x)]", "PATH", "v;x", "", "v w", "é", "1a", "m"]) | TEXT,
    st.sampled_from(["=", "", "+=", "=("]),
    TEXT
    | st.sampled_from(
        ['"$(x)"', "`x`", '([0]="a" [$(x)]="b")', "([0]=$(x))", '(["\\$(x)"]="b")', "$'\\0'"]
    ),
)


def executed(rows: list[str], words: str = "", history: tuple[str, ...] = ()) -> set[str]:
    """Return the commands that bash executes for what is data of a forged state."""
    names = {row.partition(" ")[2].partition("=")[0]: row for row in rows}
    want = NOTHING.changed(variables=names, words=words, history=history)
    data = [*state_data.divided(want, NOTHING)[0], *state_data.divided(NOTHING, want)[0]]
    script = "\n".join(item.make for item in data)
    # Each command is written down before it is executed.
    trap = 'set -T; trap \'printf "%s\\n" "${BASH_COMMAND%%[ =]*}" >&5\' DEBUG'
    return set(bash(f"{trap}\n{{ {script}\n:; }} 5>&1 >/dev/null").decode().splitlines())


@given(st.lists(DECLARED, max_size=5), TEXT, st.lists(TEXT, max_size=3).map(tuple))
def test_no_dump_makes_bash_execute_anything(
    rows: list[str], words: str, history: tuple[str, ...]
) -> None:
    assert executed(rows, words, history) <= {r"\builtin", ":", "v", "m"}


@pytest.mark.parametrize(
    "row",
    [
        r'a v=([0]="a" ["\$(x)"]="b")',
        r'A v=(["\$(x)"]="b")',
        'A v=([$(x)]="b")',
        '- v="$(x)"',
        "- v=`x`",
        "- v=;x",
        '- v;x="1"',
        '- a[$(x)]="1"',
        r'n v="a[\$(x)]"',
        r'i v="a[\$(x)]"',
        'a v=([0]="a") ; x ; a=([0]="b")',
        "- v=$'a' x",
        '- PS4="\\$(x)"',
        "f v",
    ],
)
def test_a_forged_declaration_is_no_command(row: str) -> None:
    assert "x" not in executed([row])
    assert "x" not in executed([], row.replace(" v", " __shellplay_words"))


@pytest.mark.parametrize(
    "text",
    ["(" + "$'x'" * 50_000, '"' + "\\" * 100_000, "(" + "[0]=" * 50_000, "$'" + "\\" * 99_999,
     "a[" * 50_000, "([0]=" + "'a'" * 50_000],
)  # fmt: skip
def test_no_declaration_takes_long_to_read(text: str) -> None:
    began = time.monotonic()
    for flags in ("-", "a", "A"):
        parsed(f"{flags} v={text}")
    state_data.is_plain(text)
    state_data.is_looked_up(text)
    assert time.monotonic() - began < 2
