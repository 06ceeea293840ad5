"""The image that both sides run: this Python and a few programs of the host, in a tar."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

QUESTIONS = Path(__file__).with_name("questions.py")
INSIDE = "/questions.py"
PYTHON = str(Path(sys.executable).resolve())
PROGRAMS = ("sh", "cat", "true", "sleep")
LEFT_OUT = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "ensurepip"}
LEFT_OUT |= {"idlelib", "tkinter", "lib2to3", "turtledemo", "distutils", "pydoc_data"}
PASSWD = "root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000:guest:/home/guest:/bin/sh\n"
GROUP = "root:x:0:\ntape:x:26:root,guest\nguest:x:1000:\n"
DIRECTORIES = ("dev", "proc", "sys", "etc", "root", "home/guest", "var", "usr/local")


def write(path: Path) -> None:
    """Write the root file system as a tar."""
    with tarfile.open(path, "w") as tar:
        for name in DIRECTORIES:
            _directory(tar, name, 0o755)
        _directory(tar, "tmp", 0o1777)
        for name, text in (("etc/passwd", PASSWD), ("etc/group", GROUP)):
            _file(tar, name, text.encode())
        _file(tar, INSIDE.lstrip("/"), QUESTIONS.read_bytes())
        for place in sorted(set(_files())):
            tar.add(Path(place).resolve(), place.lstrip("/"), recursive=False)


def _files() -> Iterator[str]:
    """Yield every file that Python and the programs need, by the name that they open."""
    library = Path(sysconfig.get_path("stdlib"))
    parts = [
        str(each)
        for each in library.rglob("*")
        if each.is_file() and not LEFT_OUT & set(each.relative_to(library).parts)
    ]
    yield from parts
    for program in (PYTHON, *(_program(name) for name in PROGRAMS)):
        yield program
        yield from _needed(program)
    for part in parts:
        if part.endswith(".so"):
            yield from _needed(part)
    for name in PROGRAMS:
        yield f"/bin/{name}"


def _program(name: str) -> str:
    found = shutil.which(name, path="/bin:/usr/bin")
    if found is None:
        raise FileNotFoundError(f"this host has no {name}")
    return found


def _needed(program: str) -> list[str]:
    """Return the libraries of a program, and its loader."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", said)


def _directory(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def _file(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
