"""The history file: two writers, modes, odd bytes, and what was there before."""

import stat
import subprocess
import sys
from pathlib import Path

from shellplay.repl.history import HistoryFile

WRITER = """
import sys
from pathlib import Path
from shellplay.repl.history import HistoryFile
file = HistoryFile(Path(sys.argv[1]))
for number in range(200):
    file.append(f"{sys.argv[2]} {number}\\n" + "x" * 500)
"""


def test_what_is_appended_comes_back_in_order(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "deep" / "er" / "history")
    entries = [
        "new web",
        "in for i in 1 2\ndo echo $i; done",
        "# not a comment",
        "+",
        "é \udcff",
    ]
    for entry in entries:
        file.append(entry)
    assert file.entries() == entries


def test_two_sessions_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    entries = HistoryFile(path).entries()
    for name in "ab":
        mine = [entry for entry in entries if entry.startswith(name)]
        assert mine == [f"{name} {number}\n" + "x" * 500 for number in range(200)]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "shellplay" / "history")
    file.append("new web")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_history_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert HistoryFile(tmp_path / "history").entries() == []


def test_of_a_long_history_the_newest_entries_are_read(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "history")
    for number in range(40):
        file.append(f"{number} " + "x" * 60_000)
    entries = file.entries()
    assert entries[-1].startswith("39 ")
    assert len(entries) < 40
