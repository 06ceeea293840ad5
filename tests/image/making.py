"""Make tars, OCI layouts and root file systems for tests, and read unpacked layers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

BUSYBOX = Path("/bin/busybox")
OCI = "application/vnd.oci.image."
T = TypeVar("T")
Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **more: Any) -> Member:  # noqa: ANN401
    """Return one entry of a tar; ``more`` are attributes of its TarInfo."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(data), 1_000_000_000
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def directory(name: str, **more: Any) -> Member:  # noqa: ANN401
    """Return the entry of a directory."""
    return member(name, tarfile.DIRTYPE, **more)


def symlink(name: str, target: str, **more: Any) -> Member:  # noqa: ANN401
    """Return the entry of a symbolic link."""
    return member(name, tarfile.SYMTYPE, linkname=target, **more)


def hard_link(name: str, target: str) -> Member:
    """Return the entry of a hard link."""
    return member(name, tarfile.LNKTYPE, linkname=target)


def file(name: str, text: str = "", **more: Any) -> Member:  # noqa: ANN401
    """Return the entry of a file."""
    return member(name, data=text.encode(), **more)


def tar_of(*members: Member) -> bytes:
    """Return a tar of entries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def layout(
    path: Path,
    *layers: bytes,
    config: Mapping[str, object] | None = None,
    diff_ids: Sequence[str] | None = None,
    name: str = "made:latest",
) -> Path:
    """Write an OCI layout with one image of plain layers, the lowest first."""
    listed = []
    for layer in layers:
        listed.append(_blob(path, layer, f"{OCI}layer.v1.tar"))
    ids = [one["digest"] for one in listed] if diff_ids is None else list(diff_ids)
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": config or {},
        "rootfs": {"type": "layers", "diff_ids": ids},
    }
    of_config = _blob(path, json.dumps(document).encode(), f"{OCI}config.v1+json")
    manifest = {"schemaVersion": 2, "config": of_config, "layers": listed}
    of = _blob(path, json.dumps(manifest).encode(), f"{OCI}manifest.v1+json")
    named = {**of, "annotations": {"org.opencontainers.image.ref.name": name}}
    index = {"schemaVersion": 2, "manifests": [named]}
    (path / "index.json").write_text(json.dumps(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return path


def _blob(path: Path, data: bytes, media_type: str) -> dict[str, Any]:
    digits = hashlib.sha256(data).hexdigest()
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digits).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digits}", "size": len(data)}


def busybox_root(path: Path) -> Path:
    """Make a root file system of Debian's busybox-static; skip if that is missing."""
    if not BUSYBOX.exists():
        pytest.skip("needs busybox-static")
    (path / "bin").mkdir(parents=True)
    (path / "tmp").mkdir()
    (path / "tmp").chmod(0o1777)
    shutil.copy(BUSYBOX, path / "bin" / "busybox")
    os.link(path / "bin" / "busybox", path / "bin" / "sh")
    (path / "bin" / "ls").symlink_to("busybox")
    (path / "etc").mkdir()
    (path / "etc" / "hostname").write_text("made\n")
    return path


def drained(steps: Generator[str, None, T]) -> tuple[list[str], T]:
    """Return the sentences that a generator yields, and its result."""
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return said, end.value


def merged(directories: Sequence[Path], scratch: Path) -> dict[str, str]:
    """Return the files that overlayfs shows for layers: kind and content or target, by path.

    It is mounted for real, in a mount namespace of its own.
    """
    point = scratch / "merged"
    point.mkdir(exist_ok=True)
    empty = scratch / "empty"
    empty.mkdir(exist_ok=True)
    lower = ":".join(map(str, (*reversed(directories), empty)))
    xattr = "" if os.geteuid() == 0 else ",userxattr"
    script = (
        f'mount -t overlay -o "lowerdir={lower}{xattr}" overlay {point} || exit 99\n'
        f"cd {point} && find . -mindepth 1 -type d -printf '%P\\0d\\0\\0' "
        "-o -type l -printf '%P\\0l\\0%l\\0' -o -type f -printf '%P\\0f\\0' -exec cat {} \\; "
        "-printf '\\0' -o -printf '%P\\0%y\\0\\0'"
    )
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", script],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip(f"no overlay here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    words = done.stdout.split("\0")[:-1]
    triples = zip(words[::3], words[1::3], words[2::3], strict=True)
    return {path: f"{kind}{content}" for path, kind, content in triples}


NO_TMPFS = 99


def in_mounts_of_its_own(script: str) -> subprocess.CompletedProcess[str]:
    """Run a sh script that mounts; its exit status 99 means that it cannot, and skips."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", script],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode == NO_TMPFS:
        pytest.skip(f"no tmpfs here: {done.stderr.strip()}")
    return done


def hexadecimal(data: bytes) -> str:
    """Return the sha256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def blob(path: Path, data: bytes, media_type: str) -> dict[str, Any]:
    """Write a file named by its digits; return its descriptor."""
    (path / hexadecimal(data)).write_bytes(data)
    digest = f"sha256:{hexadecimal(data)}"
    return {"mediaType": media_type, "digest": digest, "size": len(data)}
