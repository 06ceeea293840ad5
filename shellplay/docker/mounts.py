"""``-v``, ``--mount``, ``--tmpfs`` and ``--device``: what they mount, as volumes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from shellplay.container.spec import VolumeSpec
from shellplay.directories import expanded
from shellplay.docker.options import Asked, yes
from shellplay.errors import UsageError
from shellplay.kernel.mount import place
from shellplay.nearest import did_you_mean

BIND_FLAGS = ("ro", "rw", "z", "Z", "rprivate", "private", "rslave", "slave", "cached")
TMPFS = re.compile(r"size=\d+[kmgKMG%]?|mode=0?[0-7]{3,4}|nr_inodes=\d+[kmg]?|uid=\d+|gid=\d+")
TMPFS_FLAGS = ("rw", "noexec", "nosuid", "nodev")
# What a tmpfs has not unless it is asked for.
TMPFS_ALLOWED = ("exec", "suid")
KEYS = {
    **{"src": "source", "dst": "target", "destination": "target", "ro": "readonly"},
    **{each: each for each in ("type", "source", "target", "readonly", "consistency")},
    **{each: each for each in ("bind-propagation", "tmpfs-size", "tmpfs-mode")},
}
PRIVATE = ("rprivate", "private")
NO_DIRECTORY = "a directory of the host, as in -v ./src:/src"


def volumes(asked: Asked) -> tuple[VolumeSpec, ...]:
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


def _volume(text: str) -> VolumeSpec:
    source, colon, rest = text.partition(":")
    target, _, options = rest.partition(":")
    if not colon:
        raise UsageError(f"-v {text} names no target", NO_DIRECTORY)
    words = options.split(",") if options else []
    for each in words:
        if each not in BIND_FLAGS:
            raise UsageError(f"-v {text}: {each} is no option of a mount", "ro or rw")
    return VolumeSpec(_source(source), place(target), read_only="ro" in words)


def _source(text: str) -> Path:
    if not text.startswith(("/", ".", "~")):
        raise UsageError(
            f"{text} would be a named volume, which there are none of", NO_DIRECTORY
        )
    path = expanded(text)
    if not path.exists():
        raise UsageError(f"{text} is not there", f"mkdir -p {text}")
    return path.resolve()


def _mount(text: str) -> VolumeSpec:
    keys = dict(_pairs(text))
    kind = keys.get("type", "volume")
    if kind not in ("bind", "tmpfs"):
        raise UsageError(f"--mount type={kind} is not known here", "type=bind or type=tmpfs")
    target = place(keys.get("target", ""))
    read_only = yes(f"--mount {text}: readonly", keys.get("readonly", "false"))
    source = keys.get("source", "")
    if kind == "tmpfs":
        if source or "bind-propagation" in keys:
            raise UsageError(f"--mount {text}: a tmpfs has no source", "type=bind has")
        options = [
            f"{key}={keys[f'tmpfs-{key}']}"
            for key in ("size", "mode")
            if f"tmpfs-{key}" in keys
        ]
        for each in options:
            _check_memory(f"--mount {text}", each)
        return VolumeSpec(None, target, read_only, ",".join(options))
    if not source:
        raise UsageError(f"--mount {text} names no source", "source=DIRECTORY")
    if "tmpfs-size" in keys or "tmpfs-mode" in keys:
        raise UsageError(f"--mount {text}: what is bound has its size and mode", "type=tmpfs")
    if keys.get("bind-propagation", "rprivate") not in PRIVATE:
        raise UsageError(f"--mount {text}: nothing is propagated", "bind-propagation=rprivate")
    return VolumeSpec(_source(source), target, read_only)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keys, as they are called in full, with their values."""
    for each in next(csv.reader([text]), []):
        key, equals, value = each.partition("=")
        name = KEYS.get(key.strip().lower())
        if name is None:
            raise UsageError(f"--mount {text}: there is no {key!r}", did_you_mean(key, KEYS))
        if not equals and name != "readonly":
            raise UsageError(f"--mount {text}: {key} has no value", f"{key}=...")
        yield name, value if equals else "true"


def _tmpfs(text: str) -> VolumeSpec:
    target, _, options = text.partition(":")
    words = [each for each in options.split(",") if each]
    for each in words:
        if each not in ("ro", *TMPFS_FLAGS, *TMPFS_ALLOWED):
            _check_memory(f"--tmpfs {text}", each)
    kept = [each for each in words if "=" in each]
    allowed = tuple(each for each in words if each in TMPFS_ALLOWED)
    return VolumeSpec(None, place(target), "ro" in words, ",".join(kept), allowed=allowed)


def _check_memory(spelled: str, option: str) -> None:
    if not TMPFS.fullmatch(option):
        raise UsageError(f"{spelled}: {option} is no option of it", "size=64m or mode=755")


def _device(text: str) -> VolumeSpec:
    source, _, rest = text.partition(":")
    target, _, may = rest.partition(":")
    target = target or source
    path = Path(source)
    if may and not {"r", "w"} <= set(may) <= set("rwm"):
        raise UsageError(f"--device {text}: it is read and written, or not there", "rwm")
    if not (path.is_char_device() or path.is_block_device()):
        raise UsageError(f"{source} is no device", "as in --device /dev/fuse")
    return VolumeSpec(path, place(target), device=True)
