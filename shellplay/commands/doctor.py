"""doctor: what this machine allows, what of it weakens fences, and the fix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shellplay.cmdline.help import columns, wrap
from shellplay.cmdline.outcomes import Document, Outcome, Page
from shellplay.cmdline.registry import command

if TYPE_CHECKING:
    from shellplay.commands.finding import Finding

# The groups of findings, as docs/json.md names them, and their titles.
TITLES = {
    "machine": "what this machine allows",
    "hardening": "what of this machine weakens fences",
}
PREFIXES = {"now": "try", "boot": "only at the next boot", "kernel": "only with another kernel"}
HINT = "A sysctl holds until the next boot; a line in /etc/sysctl.d/ keeps it."


@command("doctor", group="other", host=None, json=True, alone=True)
def doctor() -> Iterator[Outcome]:
    """Look at what this machine allows and what weakens fences here, and say the fix.

    Everything is read from the kernel at that moment, and nothing is changed. Findings with
    !! have a fix in the next line. A fix that takes a reboot or another kernel says so.
    The exit status is 0, whatever is found; programs read ok in --json.

    Examples:
        doctor
        doctor --json
    """
    # Loaded here: its checks need many modules that no other command needs.
    from shellplay.commands import doctor_checks, file_owners, hardening

    found = {
        "machine": [*doctor_checks.findings()],
        "hardening": [*hardening.findings(), *file_owners.findings()],
    }

    def payload() -> object:
        return [
            each.record(group) for group, each_group in found.items() for each in each_group
        ]

    yield Document("doctor", payload, lambda: Page(lambda width: _page(found, width)))


def _page(found: dict[str, list[Finding]], width: int) -> str:
    parts = []
    for group, findings in found.items():
        rows = [row for each in findings for row in _rows(each)]
        parts.append("\n".join([TITLES[group], *columns(rows, width)]))
    return "\n\n".join([*parts, "\n".join(wrap(HINT, width))])


def _rows(finding: Finding) -> Iterator[tuple[str, str]]:
    yield f"{'!!' if finding.fix else 'ok'}  {finding.name}", finding.fact
    if finding.fix:
        yield "", f"{PREFIXES[finding.when.value]}: {finding.fix}"
