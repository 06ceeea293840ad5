"""Make the answers of two sides comparable, and list the differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tests.parity.sides import Side

# Answers that contain the ID of the container, unless it has a name.
NAMES = ("environment.HOSTNAME", "text./etc/hostname", "text./proc/sys/kernel/hostname")
IDENTITY = re.compile(r"[0-9a-f]{12}")
WHOLE = "[0-9a-f]{64}"
ADDRESS = re.compile(r"\b(?:172\.(?:1[6-9]|2\d|3[01])|10|192\.168)(?:\.\d+){2,3}\b")
# Values that change from one run to the next, or depend on the time.
VARYING = re.compile(r"status\.(?:Vm|Rss|Hugetlb|State|FDSize|.*ctxt_switches).*")
NUMBERS = re.compile(r"process\.(?:p?pid|pgid|sid)|status\.(?:NS\w+|P?Pid|Tgid)")
TERMINAL = re.compile(r"(\b136:|^devpts /)\d+")
# Each side may keep its store at any path.
PLACES = re.compile(r",?\b(?:lowerdir|upperdir|workdir)=[^,]*")
STORED = re.compile(r"mount\.(?:/|/etc/(?:hosts|hostname|resolv\.conf))\.source")
RUN = "run"
ABSENT = "-"


class Difference(NamedTuple):
    """One question that two sides answer differently in a scenario."""

    scenario: str
    question: str
    theirs: str
    ours: str


def comparable(answers: Mapping[str, str], side: Side) -> dict[str, str]:
    """Return the answers without random values: names, inodes, addresses, amounts."""
    given = {answers.get(name, "") for name in NAMES}
    names = [name for name in given if IDENTITY.fullmatch(name)]
    chance = re.compile(rf"\b(?:{'|'.join((*names, WHOLE))})[0-9a-f]*")
    found: dict[str, str] = {}
    for question, answer in answers.items():
        if VARYING.fullmatch(question) or STORED.fullmatch(question):
            continue
        found[question] = _plain(question, chance.sub("ID", answer), side)
    return found


def _plain(question: str, answer: str, side: Side) -> str:
    area, _, rest = question.partition(".")
    if area == "namespace":
        return "host's" if int(answer) == side.host(rest) else "own"
    if NUMBERS.fullmatch(question):
        return answer if answer in ("0", "1") else "some"
    if question == "status.SigQ":
        return answer.partition("/")[2]
    if question.startswith("cgroup.path"):
        return "own" if "ID" in answer else "host's"
    if rest.startswith("/sys/fs/cgroup"):
        answer = re.sub(r"/\S*ID", "/.../ID", answer)
    if question.endswith(".super"):
        answer = PLACES.sub("", answer).strip(",")
    return ADDRESS.sub("ADDRESS", TERMINAL.sub(r"\1N", answer))


def differences(
    scenario: str, theirs: Mapping[str, str], ours: Mapping[str, str]
) -> list[Difference]:
    """Return the differences in the order of the questions; ``run`` if a side did not run."""
    asked = {RUN} if RUN in theirs or RUN in ours else {*theirs, *ours}
    return [
        Difference(scenario, question, theirs.get(question, ABSENT), ours.get(question, ABSENT))
        for question in sorted(asked)
        if theirs.get(question) != ours.get(question)
    ]
