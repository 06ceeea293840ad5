"""doctor: what this machine allows, and the cause and the fix of what it forbids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shellplay.cmdline.help import columns
from shellplay.cmdline.outcomes import Document, Outcome, Page
from shellplay.cmdline.registry import command

if TYPE_CHECKING:
    from shellplay.commands.doctor_checks import Finding


@command("doctor", group="other", json=True)
def doctor() -> Iterator[Outcome]:
    """Look at what this machine allows, and say what stands in the way and the fix.

    Examples:
        doctor
        doctor --json
    """
    # Loaded here: its checks need many modules that no other command needs.
    from shellplay.commands.doctor_checks import findings

    found = list(findings())
    rows = [(f"{'!!' if one.fix else 'ok'}  {one.name}", _sentence(one)) for one in found]
    table = Page(lambda width: "\n".join(columns(rows, width)))
    yield Document("doctor", lambda: [one.record() for one in found], lambda: table)


def _sentence(finding: Finding) -> str:
    return f"{finding.fact} ({finding.fix})" if finding.fix else finding.fact
