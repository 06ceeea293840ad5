"""The marks of a bash outside are not those that a program inside has read and can print."""

from __future__ import annotations

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
from shellplay.settings import Settings

pytestmark = pytest.mark.everyone
FORKING = pytest.mark.parametrize("kind", ["nnp", "user"])


def marks(nonce: str, *kinds: str) -> str:
    """Return the marks of some kinds as a word of printf(1)."""
    return "".join(rf"\e]133;{kind};k={nonce}\a" for kind in kinds)


@FORKING
def test_each_bash_outside_has_another_nonce_than_its_copy(
    kind: str, container: Container
) -> None:
    known = [container.terminal.nonce]
    for _ in range(3):
        container.fence(REGISTRY[kind]())
        known.append(container.terminal.nonce)
        container.peel_all()
        assert container.run("true").status == 0
        assert container.terminal.nonce not in known
        known.append(container.terminal.nonce)


@FORKING
def test_the_marks_that_are_known_inside_are_text_outside(
    kind: str, container: Container
) -> None:
    container.fence(REGISTRY[kind]())
    known = container.terminal.nonce
    container.peel_all()
    forged = marks(known, "D;7", "A", "B", "H", "h")
    result = container.run(f"printf 'before{forged}'; echo after; exit_with() {{ return 3; }}")
    assert result.output.startswith("before")
    assert result.output.endswith("after\n")
    assert result.status == 0
    assert container.run(f"printf '{marks(known, 'D;0')}'; exit_with").status == 3


def test_a_bash_that_was_started_anew_has_another_nonce() -> None:
    with Playground(Settings(live=False)) as playground:
        container = playground.new("box")
        container.fence(REGISTRY["nnp"]())
        known = container.terminal.nonce
        container.peel("nnp")
        assert container.terminal.nonce != known
        assert container.run(f"printf '{marks(known, 'D;7')}'; true").status == 0
