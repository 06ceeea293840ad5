"""The table of ``fences``: a row for each layer around a bash, and a line for the others."""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.model import FenceRecord
from shellplay.views import text_width
from shellplay.views.drawing import Column, Drawing, Fragment, Line, Table
from shellplay.views.sanitize import safe_line
from shellplay.views.wrap import wrap

COLUMNS: tuple[Column, ...] = (
    Column("FENCE"),
    Column("LAYER", limit=28),
    Column("KERNEL", keep=2),
    Column("HOW", keep=1),
    Column("OPTIONS", keep=0),
    Column("PEEL"),
)
# These columns are left out if every row has the same to say in them.
DROPPED = {"LAYER": "fenced", "KERNEL": "-", "OPTIONS": "-"}


class Fences(Drawing):
    """A table of layers, and below it how many are fenced, and which are not.

    It has the layers that are fenced.  With ``all_``, and for the host (``label`` "host"), it
    has every layer.  With ``inodes`` it shows the inode numbers of namespaces.
    """

    def __init__(
        self,
        records: Sequence[FenceRecord],
        label: str,
        *,
        all_: bool = False,
        inodes: bool = False,
    ) -> None:
        self._label = safe_line(label)
        self._records = records
        self._is_host = label == "host"
        self._is_known = self._is_host or any(record.shell for record in records)
        self._inodes = inodes or self._is_host
        self._shows_all = all_ or self._is_host

    def lines(self, width: int) -> list[Line]:
        """Return the table, and the summary in as many lines as it needs."""
        shown = [each for each in self._records if each.up or self._shows_all]
        rows = [self._row(record) for record in shown] if self._is_known else []
        found = _table(rows).lines(width) if rows else []
        summary = (
            text_width.fit(text, width) for text in wrap(self._summary(), width).split("\n")
        )
        return [*found, *([("ansibrightblack", text)] for text in summary)]

    def _summary(self) -> str:
        if not self._is_known:
            return f"{self._label}: its bash has ended"
        up = sum(record.up for record in self._records)
        if not up and not self._shows_all:
            layers = len(self._records)
            return f"{self._label}: nothing is fenced yet (fences -a lists the {layers} layers)"
        told = f"{self._label}: {up} of {len(self._records)} layers fenced"
        others = " ".join(record.fence for record in self._records if not record.up)
        return told if self._shows_all or not others else f"{told}; as on the host: {others}"

    def _row(self, record: FenceRecord) -> list[Fragment]:
        style = "ansigreen" if record.up else "ansibrightblack"
        options = " ".join(f"{name}={value}" for name, value in record.options.items())
        return [
            ("bold" if record.up else "", record.fence),
            (style, _layer(record)),
            ("", self._kernel_facts(record)),
            ("", str(record.how or "-")),
            ("", safe_line(options) or "-"),
            ("", safe_line(record.peel or "-")),
        ]

    def _kernel_facts(self, record: FenceRecord) -> str:
        """Return the inodes or states ``host -> shell``, "unknown" for each not known."""
        if record.host and not self._inodes:
            return "-"
        host = record.host or safe_line(record.host_state or "unknown")
        shell = record.shell or safe_line(record.shell_state or "unknown")
        if record.up:
            return f"{host} -> {shell}"
        return str(host if shell == "unknown" else shell)


def _table(rows: Sequence[Sequence[Fragment]]) -> Table:
    shown = [
        index
        for index, column in enumerate(COLUMNS)
        if any(row[index][1] != DROPPED.get(column.title) for row in rows)
    ]
    columns = [COLUMNS[index] for index in shown]
    return Table(columns, [[row[index] for index in shown] for row in rows], least=28)


def _layer(record: FenceRecord) -> str:
    if not record.up:
        return "host"
    if record.shared_with:
        return f"shared with {safe_line(', '.join(record.shared_with))}"
    return "fenced"
