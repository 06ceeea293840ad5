"""What asciinema's own program makes of our casts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from shlex import quote

import pexpect
import pytest

from shellplay.cast.asciicast import Header, Writer
from shellplay.cast.events import Output
from shellplay.cast.reader import Reader
from tests.cast.performance import performance


@cache
def reads() -> tuple[int, ...]:
    """Return the versions that the installed asciinema reads, none if there is none."""
    if not (program := shutil.which("asciinema")):
        return ()
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"[0-9]+", done.stdout)
    return (2, 3) if found and int(found[0]) >= 3 else (2,)


@pytest.mark.parametrize("version", [2, 3])
def test_asciinema_prints_the_whole_session(tmp_path: Path, version: int) -> None:
    if version not in reads():
        pytest.skip(f"no asciinema that reads version {version} is installed")
    path = tmp_path / "session.cast"
    with path.open("wb") as file:
        writer = Writer(file, Header(version=version, title="A session"))
        for event in performance():
            writer(event)
    with path.open("rb") as file:
        expected = "".join(event.text for event in Reader(file) if isinstance(event, Output))
    # It wants a terminal of its own even to print into a file.
    copy = tmp_path / "printed"
    line = f"asciinema cat {quote(str(path))} > {quote(str(copy))}"
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    said, status = pexpect.run(
        f"sh -c {quote(line)}", env=environment, withexitstatus=True, timeout=60
    )
    assert (status, said) == (0, b"")
    assert copy.read_bytes().decode() == expected
