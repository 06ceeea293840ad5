"""Translate -v NAME:/p, -v /p, type=volume, --volumes-from and the volumes of an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shellplay.container.spec import VolumeSpec
from shellplay.docker.options import RunRequest, parse_flag
from shellplay.docker.targets import mount_target
from shellplay.errors import UsageError
from shellplay.volume.name import check_name

FLAGS = ("ro", "rw", "z", "Z", "nocopy")
LOCAL = ("", "local")
KEYS = ("volume-nocopy", "volume-driver", "volume-label", "volume-opt", "volume-subpath")


def named(text: str, name: str, target: str, words: Sequence[str]) -> VolumeSpec:
    """Return the volume of a ``-v``; ``text`` is its value, ``words`` its options.

    Without a name it is a new one.  Raises UsageError.
    """
    if name:
        check_name(name)
    for word in words:
        if word not in FLAGS:
            raise UsageError(
                f"-v {text}: {word} is not an option of a volume", "ro, rw or nocopy"
            )
    return VolumeSpec(
        None, mount_target(target), "ro" in words, volume=name, copied="nocopy" not in words
    )


def mounted(text: str, keys: Mapping[str, str], labels: Sequence[str]) -> VolumeSpec:
    """Return the volume of a ``--mount type=volume`` with these keys; raises UsageError."""
    for key in ("bind-propagation", "tmpfs-size", "tmpfs-mode"):
        if key in keys:
            raise UsageError(f"--mount {text}: {key} is not for a volume", "leave it out")
    for key, reason in (
        ("volume-subpath", "a link in a volume could lead out of it"),
        ("volume-opt", "a volume is a directory here, and has no options"),
    ):
        if key in keys:
            raise UsageError(f"--mount {text}: {key} is not taken: {reason}", "leave it out")
    check_driver(f"--mount {text}: volume-driver", keys.get("volume-driver", ""))
    if name := keys.get("source", ""):
        check_name(name)
    return VolumeSpec(
        None,
        mount_target(keys.get("target", "")),
        parse_flag(f"--mount {text}: readonly", keys.get("readonly", "false")),
        volume=name,
        copied=not parse_flag(
            f"--mount {text}: volume-nocopy", keys.get("volume-nocopy", "false")
        ),
        labels=dict(label.partition("=")[::2] for label in labels),
    )


def check_driver(spelling: str, name: str) -> None:
    """Raise UsageError for a driver that is not the usual one."""
    if name not in LOCAL:
        raise UsageError(f"{spelling}={name}: volumes are directories of yours", "local")


def of_image(targets: Sequence[str]) -> Iterator[VolumeSpec]:
    """Yield the volumes that an image asks for."""
    for target in targets:
        # Docker takes a path without / as one below it.
        yield VolumeSpec(None, mount_target(f"/{target}"), volume="", of_image=True)


def volumes_from(request: RunRequest) -> tuple[tuple[str, bool], ...]:
    """Return the containers of --volumes-from, and whether read-only; raises UsageError."""
    found = []
    for text in request.all("volumes-from"):
        name, _, mode = text.partition(":")
        if not name or mode not in ("", "ro", "rw", "z", "Z"):
            raise UsageError(f"--volumes-from {text} is not a container", "CONTAINER[:ro]")
        found.append((name, mode == "ro"))
    return tuple(found)
