"""Translate ``-v``, ``--mount``, ``--tmpfs`` and ``--device`` to VolumeSpecs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from shellplay.container.spec import VolumeSpec
from shellplay.directories import expanded
from shellplay.docker.options import RunRequest, parse_flag
from shellplay.docker.targets import mount_target
from shellplay.docker.volumes import KEYS as KEYS_OF_VOLUMES
from shellplay.docker.volumes import mounted, named
from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean

PRIVATE = ("rprivate", "private")
BIND_FLAGS = ("ro", "rw", "z", "Z", *PRIVATE, "cached", "consistent", "delegated")
PROPAGATED = ("rslave", "slave", "rshared", "shared")
NOT_PROPAGATED = (
    "what is mounted on the host later does not come in, nor what is mounted inside go out"
)
TMPFS_VALUE = re.compile(
    r"size=\d+[kmgKMG%]?|mode=0?[0-7]{3,4}|nr_inodes=\d+[kmg]?|uid=\d+|gid=\d+"
)
TMPFS_FLAGS = ("rw", "noexec", "nosuid", "nodev")
# A tmpfs is mounted noexec and nosuid, unless these options are given.
TMPFS_ALLOWED = ("exec", "suid")
KEYS = {
    **{"src": "source", "dst": "target", "destination": "target", "ro": "readonly"},
    **{word: word for word in ("type", "source", "target", "readonly", "consistency")},
    **{
        word: word
        for word in ("bind-propagation", "tmpfs-size", "tmpfs-mode", *KEYS_OF_VOLUMES)
    },
}
VOLUME_EXAMPLE = "a directory of the host, as in -v ./src:/src"


def volumes(request: RunRequest) -> tuple[VolumeSpec, ...]:
    """Return the volumes of a request, sorted by target, so that outer ones are mounted first.

    Raises UsageError.
    """
    given = [
        *map(_volume, request.all("volume")),
        *map(_mount, request.all("mount")),
        *map(_tmpfs, request.all("tmpfs")),
        *chain.from_iterable(map(_device, request.all("device"))),
    ]
    # The same one twice is one.
    specs = [spec for number, spec in enumerate(given) if spec not in given[:number]]
    targets = [spec.target for spec in specs]
    for target in targets:
        if targets.count(target) > 1:
            raise UsageError(f"{target} is mounted at twice", "name each target once")
    return tuple(sorted(specs, key=lambda spec: spec.target))


def _volume(text: str) -> VolumeSpec:
    source, colon, remainder = text.partition(":")
    target, _, options = remainder.partition(":")
    words = options.split(",") if options else []
    if not colon:
        return named(text, "", source, ())
    if not source.startswith(("/", ".", "~")):
        return named(text, source, target, words)
    for word in words:
        if word in PROPAGATED:
            raise UsageError(f"-v {text}: {NOT_PROPAGATED}", f"leave {word} out")
        if word not in BIND_FLAGS:
            raise UsageError(f"-v {text}: {word} is not an option of a mount", "ro or rw")
    path = _source(source)
    return VolumeSpec(path, mount_target(target, path), read_only="ro" in words)


def _source(text: str) -> Path:
    if not text.startswith(("/", ".", "~")):
        raise UsageError(f"{text} is not a path", VOLUME_EXAMPLE)
    path = expanded(text)
    if not path.exists():
        raise UsageError(f"{text} is not there", f"mkdir -p {text}")
    return path.resolve()


def _mount(text: str) -> VolumeSpec:
    pairs = list(_read_keys(text))
    keys = dict(pairs)
    kind = keys.get("type", "volume")
    if kind == "volume":
        return mounted(text, keys, [value for key, value in pairs if key == "volume-label"])
    if kind not in ("bind", "tmpfs"):
        raise UsageError(f"--mount type={kind} is not known here", "type=bind, volume or tmpfs")
    for key in KEYS_OF_VOLUMES:
        if key in keys:
            raise UsageError(f"--mount {text}: {key} is for a volume", "type=volume")
    target = keys.get("target", "")
    read_only = parse_flag(f"--mount {text}: readonly", keys.get("readonly", "false"))
    source = keys.get("source", "")
    if kind == "tmpfs":
        if source or "bind-propagation" in keys:
            raise UsageError(f"--mount {text}: a tmpfs has no source", "type=bind has")
        options = [
            f"{key}={keys[f'tmpfs-{key}']}"
            for key in ("size", "mode")
            if f"tmpfs-{key}" in keys
        ]
        for word in options:
            _check_tmpfs_option(f"--mount {text}", word)
        return VolumeSpec(None, mount_target(target), read_only, ",".join(options))
    if not source:
        raise UsageError(f"--mount {text} names no source", "source=DIRECTORY")
    if "tmpfs-size" in keys or "tmpfs-mode" in keys:
        raise UsageError(f"--mount {text}: what is bound has its size and mode", "type=tmpfs")
    if keys.get("bind-propagation", "rprivate") not in PRIVATE:
        raise UsageError(f"--mount {text}: {NOT_PROPAGATED}", "bind-propagation=rprivate")
    path = _source(source)
    return VolumeSpec(path, mount_target(target, path), read_only)


def _read_keys(text: str) -> Iterator[tuple[str, str]]:
    """Yield the full names of the keys in the text of a ``--mount``, with their values."""
    for word in next(csv.reader([text]), []):
        key, equals, value = word.partition("=")
        name = KEYS.get(key.strip().lower())
        if name is None:
            raise UsageError(f"--mount {text}: there is no {key!r}", did_you_mean(key, KEYS))
        if not equals and name not in ("readonly", "volume-nocopy"):
            raise UsageError(f"--mount {text}: {key} has no value", f"{key}=...")
        yield name, value if equals else "true"


def _tmpfs(text: str) -> VolumeSpec:
    target, _, given = text.partition(":")
    words = [word for word in given.split(",") if word]
    for word in words:
        if word not in ("ro", *TMPFS_FLAGS, *TMPFS_ALLOWED):
            _check_tmpfs_option(f"--tmpfs {text}", word)
    valued = [word for word in words if "=" in word]
    allowed = tuple(word for word in words if word in TMPFS_ALLOWED)
    return VolumeSpec(
        None, mount_target(target), "ro" in words, ",".join(valued), allowed=allowed
    )


def _check_tmpfs_option(spelling: str, option: str) -> None:
    if not TMPFS_VALUE.fullmatch(option):
        raise UsageError(f"{spelling}: {option} is not an option of it", "size=64m or mode=755")


def _device(text: str) -> Iterator[VolumeSpec]:
    """Yield a device, or each one in a directory: ``SOURCE[:TARGET][:rwm]``."""
    source, *more = text.split(":", 2)
    # Docker's rule: one more part is the access if it is made of these letters.
    access = more.pop() if len(more) == 2 or (more and _is_access(more[0])) else "rwm"
    target = more[0] if more else source
    if not (_is_access(access) and {"r", "w"} <= set(access)):
        raise UsageError(f"--device {text}: it is read and written, or not there", "rwm")
    path = Path(source)
    found = list(_devices(path))
    if not found:
        raise UsageError(f"{source} is not a device", "as in --device /dev/fuse")
    for each in found:
        inside = target if each == path else f"{target}/{each.relative_to(path)}"
        yield VolumeSpec(each, mount_target(inside), device=True)


def _is_access(text: str) -> bool:
    return bool(text) and set(text) <= set("rwm") and len(set(text)) == len(text)


def _devices(path: Path) -> Iterator[Path]:
    """Yield the device at a path, or those below a directory, without following links."""
    if path.is_dir():
        for each in sorted(path.iterdir()):
            if not each.is_symlink():
                yield from _devices(each)
    elif path.is_char_device() or path.is_block_device():
        yield path
