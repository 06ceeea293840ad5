"""Settings: every one can be set, shown and refused."""

import pytest

from shellplay.cmdline.setting_types import SETTINGS, change, change_all, shown
from shellplay.errors import UsageError
from shellplay.settings import Settings


def test_every_setting_of_a_playground_can_be_set() -> None:
    # Surroundings are not for a user: they are there before anything runs in them.
    fields = set(vars(Settings()))
    # ``trace`` sets how much is traced.
    assert set(SETTINGS) == fields - {"surroundings", "trace_all"}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_shown_can_be_set(name: str) -> None:
    settings = Settings()
    change(settings, name, shown(settings, name))
    assert settings == Settings()


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("live", "off", False),
        ("timeout", "2.5s", 2.5),
        ("timeout", "none", None),
        ("detach_key", "ctrl-t", "C-t"),
        ("detach_key", "^]", "C-]"),
    ],
)
def test_words_become_values(name: str, word: str, value: object) -> None:
    settings = Settings()
    change(settings, name, word)
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "word", "sentence"),
    [
        ("liv", "on", 'did you mean "live"'),
        ("live", "maybe", "neither on nor off"),
        ("timeout", "-1", "not a time span"),
        ("detach_key", "F5", "not a control key"),
    ],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(
    name: str, word: str, sentence: str
) -> None:
    settings = Settings()
    with pytest.raises(UsageError, match=sentence):
        change(settings, name, word)
    assert settings == Settings()


def test_a_configuration_gives_switches_numbers_and_words() -> None:
    settings = Settings()
    change_all(settings, {"live": False, "timeout": 3, "detach_key": "C-t"})
    assert settings == Settings(live=False, timeout=3.0, detach_key="C-t")
