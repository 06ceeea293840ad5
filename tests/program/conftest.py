"""Fixtures for the tests of ``run``: a line run as a user does it, and a small image."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.playground.playground import Playground
from shellplay.settings import Surroundings
from tests.image.making import busybox_root, drained


class Said(NamedTuple):
    """The result of a line: exit status, messages of shellplay, output of the program."""

    status: int
    told: str
    printed: str


Run = Callable[[str], Said]


@pytest.fixture
def run(playground: Playground, tmp_path: Path) -> Run:
    """Run a line as a user does."""

    def said(line: str) -> Said:
        out, printed = io.StringIO(), tmp_path / "printed"
        fd = os.open(printed, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        try:
            playground.settings.surroundings = Surroundings(output=fd)
            printer = Printer(out, out, color=False)
            status = Interpreter(playground, printer, Batch(printer)).run(line)
        finally:
            os.close(fd)
        return Said(status, out.getvalue(), printed.read_text())

    return said


@pytest.fixture
def busybox(tmp_path: Path) -> str:
    """The name of an image with busybox."""
    root = busybox_root(tmp_path / "tiny")
    names = ("cat", "env", "id", "pwd", "sleep", "stat", "touch", "true", "mount")
    for name in names:
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "passwd").write_text(
        "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/home/w:\n"
    )
    (root / "etc" / "group").write_text("root:x:0:\nweb:x:1001:\nextra:x:77:web\n")
    drained(import_image(Store(), root, "tiny"))
    return "tiny"
