"""Names of images mean what they mean to Docker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.errors import UsageError
from shellplay.image.reference import familiar, name_from_word, parse

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("text", "whole", "short"),
    [
        ("busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("me/app", "docker.io/me/app:latest", "me/app:latest"),
        ("docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("index.docker.io/me/app", "docker.io/me/app:latest", "me/app:latest"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("localhost:5000/app:2", "localhost:5000/app:2", "localhost:5000/app:2"),
        ("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"),
        ("ghcr.io/a/b/c:x_y", "ghcr.io/a/b/c:x_y", "ghcr.io/a/b/c:x_y"),
        (f"app@{DIGEST}", f"docker.io/library/app@{DIGEST}", f"app@{DIGEST}"),
        (f"app:1@{DIGEST}", f"docker.io/library/app:1@{DIGEST}", f"app:1@{DIGEST}"),
        ("ghcr.io/library/x", "ghcr.io/library/x:latest", "ghcr.io/library/x:latest"),
    ],
)
def test_short_names_are_completed_and_shortened(text: str, whole: str, short: str) -> None:
    assert str(parse(text)) == whole
    assert familiar(whole) == short
    assert str(parse(short)) == whole


@pytest.mark.parametrize(
    "text",
    ["", "Busybox", "a//b", "a/", "/a", "a:", "a:b:c", "a@sha256:12", "a b", "a..b", "-a", "ä"],
)
def test_what_is_no_name_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="is not a name of an image") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_word_makes_a_name(word: str) -> None:
    assert parse(name_from_word(word)).repository.startswith("library/")
