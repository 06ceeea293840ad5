"""Compiled filters are kept for the next time, and believed only if they are our own."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from shellplay.kernel import seccomp, seccomp_cache
from shellplay.kernel.seccomp import Action, Rule, Rules

pytestmark = pytest.mark.everyone

RULES = Rules(Action("allow"), (Rule(("mkdir",), Action("errno", 1)),))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the filter is kept, in a cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = seccomp_cache.place(RULES)
    assert found is not None
    return found


def compiled() -> bytes:
    seccomp.compiled.cache_clear()
    return seccomp.compiled(RULES)


def test_a_filter_is_compiled_once_and_kept_for_its_owner(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compiled()
    assert seccomp_cache.load(path) == program
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
    assert modes == [0o600, 0o700]
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    monkeypatch.setattr(seccomp, "_compiled", lambda _: pytest.fail("it was compiled again"))
    assert compiled() == program


def write(path: Path, content: bytes) -> None:
    path.unlink()
    path.touch(0o600)
    path.write_bytes(content)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: write(path, b""),
        lambda path: write(path, path.read_bytes()[:-8]),
        lambda path: write(path, path.read_bytes()[:-1] + b"\xff"),
        lambda path: path.chmod(0o622),
        lambda path: path.parent.chmod(0o777),
        link,
    ],
)
def test_what_others_may_have_written_is_not_believed(
    path: Path, spoil: Callable[[Path], None]
) -> None:
    program = compiled()
    spoil(path)
    assert seccomp_cache.load(path) is None
    assert compiled() == program


def test_another_version_and_other_rules_have_filters_of_their_own(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = seccomp_cache.place(Rules(Action("allow"), ()))
    monkeypatch.setattr(seccomp_cache, "__version__", "0.0.0")
    assert len({path, others, seccomp_cache.place(RULES)}) == 3


def test_a_cache_that_cannot_be_written_is_no_failure(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compiled()
    assert not path.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
