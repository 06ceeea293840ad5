"""Build the file system of the second kernel: layers, as cpio archives in a cache.

The kernel unpacks archives that stand one after another, so a run only writes its own.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from tests.vm.processor import Processor

ROOT = Path(__file__).parents[2]
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PYTHON = "3.11"
PLACE = "/srv/shellplay"
# It loads the modules that a kernel on a real host loads on demand.
MORE_PACKAGES = ("kmod",)
# In a private mount namespace root owns these IDs, so the IDs of the image are those of root.
BOOTSTRAP = """
printf 'root:0:65536\\n' >"$1"
mount --bind "$1" /etc/subuid
mount --bind "$1" /etc/subgid
shift
exec mmdebstrap --mode=unshare --variant=minbase --format=directory "$@" 2>&1
"""
# A user namespace has a binfmt_misc of its own since Linux 6.7: that of this machine stays.
RUN_FOREIGN = """
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
cat {format} >/proc/sys/fs/binfmt_misc/register
"""
# Unpacked elsewhere: a package with /lib as a directory would replace the link to usr/lib.
FETCH_KERNEL = """
cd /tmp
cloud=linux-image-cloud-$(dpkg --print-architecture)
name=$(apt-cache depends "$cloud" | sed -n 's/.*Depends: //p' | head -1)
apt-get -q download "$name" 2>&1
dpkg-deb -x linux-image-*.deb kernel
mv kernel/lib/modules /usr/lib/ && mv kernel/boot/vmlinuz-* /boot/
rm -rf kernel linux-image-*.deb
"""
# A fifth of the files that each boot unpacks, and nothing needs them.
REMOVE = """
rm -rf /usr/share/doc /usr/share/locale /usr/share/man /usr/lib/cni
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


def build(cache: Path, processor: Processor) -> Image:
    """Return the image, building what is not in ``cache`` yet; needs root for that.

    Raises NoImage if a program or the privilege is missing.
    """
    cache.mkdir(parents=True, exist_ok=True)
    _require(
        {
            **{processor.qemu: processor.qemu_package, "cpio": "cpio"},
            **{"mmdebstrap": "mmdebstrap", "newuidmap": "uidmap"},
        }
    )
    options = _bootstrap(processor)
    name = f"debian-{processor.debian}-{_digest(BOOTSTRAP, SUITE, MIRROR, *options)}"
    debian = _cached(cache, name, lambda folder: _debian(folder, options))
    pip = _pip(processor)
    name = f"python-{processor.debian}-{_digest(*pip)}"
    python = _cached(cache, name, lambda folder: _python_packages(folder, pip))
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


def _require(packages: dict[str, str]) -> None:
    """Raise NoImage if a program is missing; ``packages`` has the package of each."""
    missing = [name for name in packages if not shutil.which(name)]
    if missing:
        install = " ".join(packages[name] for name in missing)
        raise NoImage(f"{', '.join(missing)} missing: sudo apt-get install -y {install}")


def _bootstrap(processor: Processor) -> list[str]:
    """Return the options of mmdebstrap, without the folder that it fills."""
    options = [f"--architectures={processor.debian}", f"--include={','.join(_packages())}"]
    options += ["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]
    if processor.machine != os.uname().machine:
        emulator = f"qemu-{processor.machine}-static"
        _require({emulator: "qemu-user-static"})
        hook = RUN_FOREIGN.format(format=f"/usr/lib/binfmt.d/qemu-{processor.machine}.conf")
        options += ["--skip=check/qemu", f"--setup-hook={hook}"]
    for script in (FETCH_KERNEL, REMOVE):
        options.append(f'--customize-hook=chroot "$1" sh -euc {shlex.quote(script)}')
    return options


def _debian(folder: Path, options: Sequence[str]) -> None:
    if os.geteuid() != 0:
        raise NoImage("building the image needs root, once: sudo python3 -m tests.vm")
    with tempfile.NamedTemporaryFile() as owners:
        private = ["unshare", "--mount", "sh", "-euc", BOOTSTRAP, "sh", owners.name]
        command = [*private, *options, SUITE, str(folder), MIRROR]
        _fetch(f"Debian {SUITE} from {MIRROR}", command)


def _pip(processor: Processor) -> list[str]:
    """Return the options of pip, with what it installs."""
    platforms = [word for tag in processor.wheels for word in ("--platform", tag)]
    return ["--only-binary=:all:", "--python-version", PYTHON, *platforms, *_requirements()]


def _python_packages(folder: Path, options: Sequence[str]) -> None:
    target = folder / "usr" / "local" / "lib" / f"python{PYTHON}" / "dist-packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
    _fetch("the Python packages of the tests", [*pip, *options])


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


def _digest(*words: str) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]
