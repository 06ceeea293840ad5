"""``-v``, ``--mount``, ``--tmpfs`` and ``--device``: what they mount, as volumes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from shellplay.errors import UsageError
from shellplay.kernel.home import expanded
from shellplay.kernel.mounting import place
from shellplay.program import Volume
from shellplay.run.options import Asked

BIND_FLAGS = ("ro", "rw", "z", "Z", "rprivate", "private", "rslave", "slave", "cached")
TMPFS = re.compile(r"size=\d+[kmgKMG%]?|mode=0?[0-7]{3,4}|nr_inodes=\d+[kmg]?|uid=\d+|gid=\d+")
TMPFS_FLAGS = ("rw", "noexec", "nosuid", "nodev")
NO_DIRECTORY = "a directory of the host, as in -v ./src:/src"


def volumes(asked: Asked) -> tuple[Volume, ...]:
    """Return all that is to be mounted, outer targets first; raises UsageError."""
    found = [
        *map(_volume, asked.all("volume")),
        *map(_mount, asked.all("mount")),
        *map(_tmpfs, asked.all("tmpfs")),
        *map(_device, asked.all("device")),
    ]
    targets = [each.target for each in found]
    for each in targets:
        if targets.count(each) > 1:
            raise UsageError(f"{each} is mounted at twice", "name each target once")
    return tuple(sorted(found, key=lambda each: each.target))


def _volume(text: str) -> Volume:
    source, colon, rest = text.partition(":")
    target, _, options = rest.partition(":")
    if not colon:
        raise UsageError(f"-v {text} names no target", NO_DIRECTORY)
    words = options.split(",") if options else []
    for each in words:
        if each not in BIND_FLAGS:
            raise UsageError(f"-v {text}: {each} is no option of a mount", "ro or rw")
    return Volume(_source(source), place(target), read_only="ro" in words)


def _source(text: str) -> Path:
    if not text.startswith(("/", ".", "~")):
        raise UsageError(
            f"{text} would be a named volume, which there are none of", NO_DIRECTORY
        )
    path = expanded(text)
    if not path.exists():
        raise UsageError(f"{text} is not there", f"mkdir -p {text}")
    return path.resolve()


def _mount(text: str) -> Volume:
    keys = dict(_pairs(text))
    kind = keys.get("type", "volume")
    target = place(keys.get("target") or keys.get("dst") or keys.get("destination") or "")
    read_only = any(keys.get(key, "0") in ("", "1", "true") for key in ("readonly", "ro"))
    if kind == "tmpfs":
        size, mode = keys.get("tmpfs-size"), keys.get("tmpfs-mode")
        options = [f"size={size}"] if size else []
        options += [f"mode={mode}"] if mode else []
        return Volume(None, target, read_only, ",".join(options))
    if kind != "bind":
        raise UsageError(f"--mount type={kind} is not known here", "type=bind or type=tmpfs")
    return Volume(_source(keys.get("source") or keys.get("src") or ""), target, read_only)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for each in text.split(","):
        key, _, value = each.partition("=")
        yield key, value


def _tmpfs(text: str) -> Volume:
    target, _, options = text.partition(":")
    words = [each for each in options.split(",") if each]
    for each in words:
        if each not in ("ro", *TMPFS_FLAGS) and not TMPFS.fullmatch(each):
            raise UsageError(
                f"--tmpfs {text}: {each} is no option of it", "size=64m or mode=755"
            )
    kept = [each for each in words if "=" in each]
    return Volume(None, place(target), "ro" in words, ",".join(kept))


def _device(text: str) -> Volume:
    source, _, rest = text.partition(":")
    target = rest.partition(":")[0] or source
    path = Path(source)
    if not (path.is_char_device() or path.is_block_device()):
        raise UsageError(f"{source} is no device", "as in --device /dev/fuse")
    return Volume(path, place(target))
