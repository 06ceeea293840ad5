"""The topics of ``help`` that are neither a command nor a fence: keys, docker, parked."""

from __future__ import annotations

from shellplay.cmdline.argument_types.fences import effect
from shellplay.cmdline.help import NARROW, columns, wrap

KEYS = [
    ("Tab", "complete"),
    ("Right, End", "take the suggestion from the history"),
    ("Ctrl-R", "search the history"),
    ("Ctrl-X Ctrl-E", "edit the line in $VISUAL or $EDITOR"),
    ("Ctrl-C", "drop the line; in a command: interrupt it"),
    ("Ctrl-D", "quit, on an empty line"),
    ("Ctrl-]", "enter the live bash, and leave it again; in a line of in: leave it running"),
    ("F1", "help"),
    ("F2", "fences"),
    ("F3", "ps"),
    ("F4", "ps host"),
]
FENCE_DOCKER = """
fence docker puts up every fence of docker run around the live bash, one by one, and says what
each one does. Options and more fences can follow it. peel all takes the fences off again.
"""
RUN = """
run IMAGE starts a program behind the same fences, with the options of docker run. Lines of
docker and podman work here, too: the word is left out, and these have other names.
"""
PARKED = """
A parked bash is the original of a live bash, stopped outside a fence. Some fences cannot be
taken off a process again: user, pid, caps, nnp, seccomp and landlock. For such a fence the live
bash forks. The copy goes behind the fence and becomes the live bash; the original is stopped.

peel takes the fence off: the copy ends, and the parked bash goes on with the variables, the
directory and the history of the copy. Nothing inside can wake it.
"""
PARKED_EXAMPLES = [
    "ps host     # role parked, state T",
    "peel pid    # the parked bash goes on",
]


def keys(width: int) -> str:
    """Return the table of the keys at the prompt."""
    return "\n".join(columns(KEYS, width))


def docker(width: int) -> str:
    """Return the page about the fences and the words of Docker."""
    from shellplay.cmdline.dialects import DOCKER, ON_CONTAINER
    from shellplay.fences.docker import preset

    fences = [(kind, effect(kind)) for kind in preset()]
    words = {
        **DOCKER,
        **{verb: (f"{name} -c NAME",) for verb, (name, _) in ON_CONTAINER.items()},
    }
    rows = [(f"docker {verb}", " ".join(ours)) for verb, ours in sorted(words.items())]
    return "\n".join(
        [
            "fence docker",
            *_prose(FENCE_DOCKER, width),
            "",
            "here it puts up",
            *columns(fences, width),
            *_prose(RUN, width),
            "",
            *columns(rows, width),
        ]
    )


def parked(width: int) -> str:
    """Return the page about parked bashes."""
    examples = ["", "examples", *(f"  {each}" for each in PARKED_EXAMPLES)]
    return "\n".join(["parked", *_prose(PARKED, width), *examples])


TOPICS = {
    "keys": ("the keys at the prompt", keys),
    "docker": ("the fences and the words of Docker", docker),
    "parked": ("the bash that waits outside a fence", parked),
}


def _prose(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        lines += ["", *wrap(paragraph, max(NARROW, width))]
    return lines
