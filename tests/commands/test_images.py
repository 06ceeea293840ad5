"""image: lines in, sentences and documents out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shellplay.cmdline.binder import bind
from shellplay.cmdline.completion import complete
from shellplay.cmdline.registry import GRAMMAR, find
from shellplay.cmdline.tokenizer import segments
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground
from shellplay.views.images import format_size
from tests.image.making import directory, file, layout, tar_of
from tests.repl.program import shellplay

MANUAL = Path(__file__).parents[2] / "docs" / "json.md"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own, and an image to import."""
    config = {"Env": ["A=1"], "Cmd": ["/bin/sh"], "Labels": {"x": "\x1b[31mred"}}
    layout(tmp_path / "oci", tar_of(directory("bin"), file("a")), config=config, name="web:1")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def said(line: str, status: int = 0) -> str:
    """Run a line and return what it says."""
    done = shellplay("-c", line)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr if status == 0 else done.stderr


def documents(line: str) -> list[dict[str, Any]]:
    """Run a line and return its documents."""
    return [json.loads(one) for one in shellplay("--json", "-c", line).stdout.splitlines()]


def test_an_image_comes_is_shown_written_out_and_removed(data: Path) -> None:
    told = said(
        f"image import {data}/oci; images; image export web:1 {data}/out.tar;"
        "image rm web:1; image"
    ).splitlines()
    assert [line.split()[0] for line in told[:2]] == ["NAME", "web:1"]
    assert told[2] == "no images (image import makes one)"
    # The notes are on the error stream.
    assert told[3].startswith("web:1: 1 layer, 10.2 kB, ID ")
    assert told[4:] == [f"web:1: written to {data}/out.tar", "web:1: removed"]
    assert (data / "out.tar").stat().st_size > 10_000


def test_all_there_is_to_know_is_shown_and_harmless(data: Path) -> None:
    told = said(f"image import {data}/oci; image inspect web:1")
    assert "environment  A=1\n" in told
    assert "label        x=\\x1b[31mred\n" in told


def test_for_programs_there_are_documents_whose_keys_are_described(data: Path) -> None:
    said(f"image import {data}/oci")
    listed, one = documents("image ls; image inspect web:1")
    assert [image["name"] for image in listed["images"]] == ["web:1"]
    assert (listed["kind"], one["kind"]) == ("images", "image")
    assert one["config"]["command"] == ["/bin/sh"]
    assert Path(one["layers"][0]["directory"], "a").is_file()
    keys = {*listed, *listed["images"][0], *one, *one["config"], *one["layers"][0]}
    manual = MANUAL.read_text()
    assert not [key for key in keys if f"`{key}`" not in manual]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("image improt x", 'cannot be "improt".*did you mean "import"'),
        ("image import", r"needs FILE\|DIR .NAME. \(as in: image import root.tar.gz web"),
        ("image ls web", "image ls takes no more words"),
        ("image inspect a b", "image inspect takes NAME"),
        ("image --platfrm x", 'did you mean "--platform"'),
    ],
)
def test_a_line_that_does_not_fit_is_one_sentence(
    line: str, sentence: str, playground: Playground
) -> None:
    segment = segments(line, GRAMMAR)[0]
    with pytest.raises(UsageError, match=sentence):
        bind(find("image"), segment, playground)


@pytest.mark.parametrize(
    ("line", "status", "sentence"),
    [
        ("image rm nix", 1, "there is no image nix (image ls lists them)"),
        ("image import nix", 2, "nix is not there (give a tar or a directory)"),
        ("image import . UPPER", 2, "is not a name of an image"),
        ("image import . --platform amd64", 2, "is not a platform (as in linux/arm64)"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    line: str, status: int, sentence: str, data: Path
) -> None:
    told = said(line, status)
    assert sentence in told
    assert told.count("\n") == 1


def test_verbs_images_and_files_are_completed(data: Path, playground: Playground) -> None:
    said(f"image import {data}/oci")

    def texts(line: str) -> list[str]:
        return [one.text for one in complete(line, playground)]

    assert texts("image in")[0] == "inspect"
    assert texts("image rm ") == texts("image export ") == ["web:1"]
    assert texts("image inspect web:1 --") == ["--platform", "--json"]
    assert texts(f"image import {data}/") == [f"{data}/data/", f"{data}/oci/"]
    assert texts("image import /nowhere/") == []


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (4_200_000, "4.2 MB"), (999_999, "1 MB")],
)
def test_a_size_is_said_in_three_digits(size: int, words: str) -> None:
    assert format_size(size) == words
