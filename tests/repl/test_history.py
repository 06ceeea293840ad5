"""The history file: two writers, modes, odd bytes, and what was there before."""

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.repl.config import read_settings
from shellplay.repl.history import HistoryFile, history_path
from shellplay.settings import Settings

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


def test_an_entry_that_failed_is_known_until_it_works(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "history")
    for entry in ("new web", "fence -x", "in a\n-b"):
        file.append(entry)
    for entry in ("fence -x", "in a\n-b"):
        file.append_failure(entry)
    assert file.read() == (["new web", "fence -x", "in a\n-b"], {"fence -x", "in a\n-b"})
    file.append("fence -x")
    assert file.read()[1] == {"in a\n-b"}


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
    path = tmp_path / "shellplay" / "history"
    file = HistoryFile(path)
    file.append("new web")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_history_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert HistoryFile(tmp_path / "history").entries() == []


def test_of_a_long_history_the_newest_entries_are_read(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "history")
    for number in range(40):
        file.append(f"{number} " + "x" * 60_000)
    entries = file.entries()
    assert entries[-1].startswith("39 ")
    assert len(entries) < 40


@pytest.mark.userns
def test_without_a_home_nothing_is_kept_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    accounts = {each.pw_uid: each.pw_dir for each in pwd.getpwall()}
    home = accounts.get(os.getuid())
    expected = None if home is None else Path(home, ".local/state/shellplay/history")
    assert history_path() == expected
    HistoryFile(None).append("new web")
    assert HistoryFile(None).entries() == []
    assert read_settings(None) == Settings()
    assert list(tmp_path.iterdir()) == []
