"""From words to values: fences with options, signals, targets, and clear refusals."""

import pytest

from shellplay.cmdline.argument_types.fences import Chosen
from shellplay.cmdline.binder import bind
from shellplay.cmdline.registry import GRAMMAR, find
from shellplay.cmdline.tokenizer import segments
from shellplay.errors import ShellplayError, UsageError
from shellplay.fences import Fence
from shellplay.playground.playground import Playground


def bound(line: str, playground: Playground) -> dict[str, object]:
    segment = segments(line, GRAMMAR)[0]
    return bind(find(segment.words[0].text), segment, playground)


def fences(line: str, playground: Playground) -> dict[str, dict[str, str]]:
    found = bound(line, playground)["kinds"]
    assert isinstance(found, Chosen)
    assert all(isinstance(one, Fence) for one in found.fences)
    return {one.kind: one.given() for one in found.fences}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("fence uts ipc net", {"uts": {}, "ipc": {}, "net": {}}),
        ("fence uts hostname=web", {"uts": {"hostname": "web"}}),
        ("fence uts --hostname=web", {"uts": {"hostname": "web"}}),
        ("fence uts ipc hostname=web", {"uts": {"hostname": "web"}, "ipc": {}}),
        ("fence hostname network", {"uts": {}, "net": {}}),
        ("fence net join=db ipc join=web", {"net": {"join": "db"}, "ipc": {"join": "web"}}),
        ("fence --no-proc pid mnt", {"pid": {"proc": "no"}, "mnt": {}}),
        ("fence pid mnt --no-proc", {"pid": {"proc": "no"}, "mnt": {}}),
    ],
)
def test_an_option_goes_to_the_fence_that_has_it(
    line: str, wanted: dict[str, dict[str, str]], playground: Playground
) -> None:
    assert fences(line, playground) == wanted


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("fence", "fence needs KIND"),
        ("fence caps doker", 'unknown fence "doker".*did you mean "docker"'),
        ("fence caps none docker", "fence caps: it is docker or none"),
        ("fence utz", 'unknown fence "utz".*did you mean "uts"'),
        ("peel docker", "docker is many fences .peel each, or peel all"),
        ("fence net net", "named twice"),
        ("fence uts hostnam=x", "hostnam.*did you mean"),
        ("fence hostname=x", "comes without a fence"),
        ("peel nte", 'did you mean "net"'),
        ("ps hots", 'did you mean "host"'),
        ("ps --jsn", 'no option "--jsn".*did you mean "--json"'),
        ("use", "use needs NAME"),
        ("containers web", 'containers takes no "web"'),
        ("in --timeout soon ls", '"soon" is not a time span'),
        ("in", "in needs LINE"),
        ("kill -FOO 1", 'unknown signal "FOO"'),
        (f"kill -{'9' * 5000} 1", "unknown signal"),
        (f"kill {'9' * 5000}", "is neither a host PID nor a job"),
        (f"kill %{'9' * 5000}", "is neither a host PID nor a job"),
        ("kill %\u0663", "is neither a host PID nor a job"),
        ("kill %%1", "is neither a host PID nor a job"),
        ("ps --json=yes", "--json takes no value"),
        ("in --timeout", "--timeout needs SECONDS"),
        ("ps -c nix", "nix"),
        ("trace maybe", 'cannot be "maybe"'),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(
    line: str, sentence: str, playground: Playground
) -> None:
    with pytest.raises(ShellplayError, match=sentence) as caught:
        bound(line, playground)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spelled", ["-9", "-KILL", "-SIGKILL", "-kill"])
def test_signals_are_spelled_as_for_kill(spelled: str, playground: Playground) -> None:
    assert bound(f"kill {spelled} 1 %2", playground) == {"dashed": 9, "targets": ("1", "%2")}


def test_a_very_long_word_is_shortened_in_the_error(playground: Playground) -> None:
    with pytest.raises(UsageError) as caught:
        bound("fence " + "x" * 1_000_000, playground)
    assert len(str(caught.value)) < 200
