"""The configuration file: where it is, and one sentence for what is wrong in it."""

from pathlib import Path

import pytest

from shellplay.errors import UsageError
from shellplay.repl.config import config_path, read_settings
from shellplay.settings import Settings
from tests.repl.program import shellplay


def test_it_stands_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == str(tmp_path / "shellplay" / "config.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", "/home/me")
    assert config_path() == "/home/me/.config/shellplay/config.toml"


def test_without_a_file_everything_is_as_usual(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "config.toml") == Settings()


def test_it_sets_what_set_sets(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('live = false\ntimeout = 2.5\ndetach_key = "C-t"\n')
    assert read_settings(path) == Settings(live=False, timeout=2.5, detach_key="C-t")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"live = ", "is not TOML"),
        (b"liv = true", 'unknown setting "liv".*did you mean "live"'),
        (b"live = 'maybe'", "neither on nor off"),
        (b"\xff", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_the_path(
    tmp_path: Path, text: bytes, sentence: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=f"config.toml.*{sentence}"):
        read_settings(path)


def test_a_home_that_cannot_be_entered_is_said_and_the_usual_settings_hold() -> None:
    done = shellplay("-c", "set live", HOME="/dev/null", XDG_CONFIG_HOME="")
    assert (done.returncode, done.stdout.split()[4:7]) == (0, ["live", "on", "on"])
    said = "shellplay: no settings are read: /dev/null/.config/shellplay/config.toml: Not a dir"
    assert done.stderr.startswith(said)
