"""Build the file system of the second kernel: layers, as cpio archives in a cache.

The kernel unpacks archives that stand one after another, so a run only writes its own.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).parents[2]
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PYTHON = "3.11"
PLACE = "/srv/shellplay"
# It loads the modules that a kernel on a real host loads on demand.
MORE_PACKAGES = ("kmod",)
PROGRAMS = ("qemu-system-x86_64", "debootstrap", "cpio")
# policy-rc.d: apt would start a service on this machine, not in the image.
INSTALL = """
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" 2>&1
"""
# Unpacked elsewhere: a package with /lib as a directory would replace the link to usr/lib.
FETCH_KERNEL = """
name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p' | head -1)
cd /tmp
apt-get -q download "$name" 2>&1
dpkg-deb -x linux-image-*.deb kernel
mv kernel/lib/modules /usr/lib/ && mv kernel/boot/vmlinuz-* /boot/
rm -rf kernel linux-image-*.deb
"""
# A fifth of the files that each boot unpacks, and nothing needs them.
REMOVE = """
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/locale /usr/share/man /usr/lib/cni
cd /lib/modules/*/kernel/drivers
rm -rf comedi gpu hid infiniband md media net/ethernet nvme scsi target
depmod "$(ls /lib/modules)"
"""
# Their result does not depend on the kernel, and they are half of all Python packages.
LINTERS = re.compile("mypy|ruff|types-")
IN_THE_CHECKOUT = ("shellplay", "tests", "docs", "recipes")
FILES_OF_THE_CHECKOUT = ("pyproject.toml", "README.md")


class NoImage(Exception):
    """The image cannot be built here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Image:
    """A kernel and the archives of its first file system, in order."""

    kernel: Path
    layers: tuple[Path, ...]


def build(cache: Path) -> Image:
    """Return the image, building what is not in ``cache`` yet; needs root for that.

    Raises NoImage if a program or the privilege is missing.
    """
    cache.mkdir(parents=True, exist_ok=True)
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        packages = "qemu-system-x86 debootstrap cpio"
        raise NoImage(f"{', '.join(missing)} missing: sudo apt-get install -y {packages}")
    recipe = SUITE + MIRROR + " ".join(_packages()) + INSTALL + FETCH_KERNEL + REMOVE
    debian = _cached(cache, f"debian-{_digest(recipe)}", _debian)
    requirements = _requirements()
    python = _cached(
        cache,
        f"python-{_digest(' '.join(requirements))}",
        lambda folder: _python_packages(folder, requirements),
    )
    return Image(debian.with_suffix(".vmlinuz"), (debian, python))


def write_run(target: Path, settings: dict[str, str], arguments: Sequence[str]) -> None:
    """Write the last layer: init, the current checkout, and the command to run."""
    with tempfile.TemporaryDirectory(prefix="sp-vm-") as folder:
        top = Path(folder)
        checkout = top / PLACE.removeprefix("/")
        ignore = shutil.ignore_patterns(".*", "__pycache__")
        for name in IN_THE_CHECKOUT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, checkout / name, ignore=ignore)
        for name in FILES_OF_THE_CHECKOUT:
            shutil.copy(ROOT / name, checkout)
        _compile(checkout)
        shutil.copy(Path(__file__).parent / "init", top / "init")
        (top / "init").chmod(0o755)
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (top / "srv" / "settings").write_text("".join(lines))
        (top / "srv" / "arguments").write_text("".join(f"{word}\n" for word in arguments))
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        _archive(top, target)


def _compile(checkout: Path) -> None:
    """Compile bytecode for the Python of the image, which is slow in the emulator."""
    if ".".join(map(str, sys.version_info[:2])) == PYTHON:
        compileall.compile_dir(
            checkout,
            quiet=1,
            stripdir=str(checkout),
            prependdir=PLACE,
            invalidation_mode=PycInvalidationMode.CHECKED_HASH,
        )


def _cached(cache: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Return the archive ``name``, made once from a folder that ``fill`` has filled."""
    archive = cache / f"{name}.cpio"
    if not archive.exists():
        print(f"tests.vm: building {archive.name}, once", flush=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as folder:
            top = Path(folder)
            top.chmod(0o755)
            fill(top)
            for kernel in top.glob("boot/vmlinuz-*"):
                shutil.copy(kernel, archive.with_suffix(".vmlinuz"))
            shutil.rmtree(top / "boot", ignore_errors=True)
            partial = archive.with_suffix(".partial")
            _archive(top, partial)
            partial.rename(archive)
    return archive


def _debian(folder: Path) -> None:
    if os.geteuid() != 0:
        raise NoImage("building the image needs root, once: sudo python3 -m tests.vm")
    # In a private mount namespace, so that its mounts do not reach this machine.
    debootstrap = [
        "unshare",
        "--mount",
        "debootstrap",
        "--variant=minbase",
        SUITE,
        str(folder),
        MIRROR,
    ]
    _fetch(f"Debian {SUITE} from {MIRROR}", debootstrap)
    inside = ["chroot", str(folder), "sh", "-euc"]
    _fetch(f"its packages from {MIRROR}", [*inside, INSTALL, "sh", *_packages()])
    _fetch(f"its kernel from {MIRROR}", [*inside, FETCH_KERNEL])
    subprocess.run([*inside, REMOVE], check=True)


def _python_packages(folder: Path, requirements: Sequence[str]) -> None:
    target = folder / "usr" / "local" / "lib" / f"python{PYTHON}" / "dist-packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    options = ["--python-version", PYTHON, "--target", str(target)]
    _fetch("the Python packages of the tests", [*pip, *options, *requirements])


def _fetch(what: str, command: Sequence[str]) -> None:
    """Run a program that downloads; raises NoImage with its last line of output."""
    done = subprocess.run(
        command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        said = done.stdout.strip().splitlines()[-1:] or [f"{command[0]}: {done.returncode}"]
        raise NoImage(f"cannot download {what}: {said[0]} (check the network, and try again)")


def _packages() -> list[str]:
    """Return the packages of tests/run and the further packages of the image."""
    text = (ROOT / "tests" / "run").read_text()
    (names,) = re.findall(r'^packages="(.+)"$', text, re.MULTILINE)
    return sorted({*names.split(), *MORE_PACKAGES})


def _requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra: list[str] = project["optional-dependencies"]["test"]
    return [*project["dependencies"], *(name for name in extra if not LINTERS.match(name))]


def _archive(folder: Path, target: Path) -> None:
    names = subprocess.run(
        ["find", ".", "-mindepth", "1", "-print0"], cwd=folder, check=True, capture_output=True
    )
    with target.open("wb") as output:
        subprocess.run(
            ["cpio", "--null", "--quiet", "--create", "--format=newc"],
            cwd=folder,
            check=True,
            input=names.stdout,
            stdout=output,
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
