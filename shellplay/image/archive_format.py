"""Recognise archives of images by their content, whatever their builder calls the files.

The formats are the OCI image layout (image-spec, image-layout.md), the archive of ``docker
save`` (moby, image/tarexport) and the directory of ``skopeo copy dir:`` (containers-transports,
"dir").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt
from shellplay.image.tar_reader import TarReader, parts_of

INDEX, LAYOUT, MANIFEST, REPOSITORIES = (
    "index.json",
    "oci-layout",
    "manifest.json",
    "repositories",
)
DOCUMENTS = (INDEX, LAYOUT, MANIFEST, REPOSITORIES)
_OLD_LAYER = re.compile(r"[0-9a-f]{64}/(json|layer\.tar)")
# The names in an archive: no root file system has these alone.
_NAME = re.compile(
    r"oci-layout|index\.json|manifest\.json|repositories|blobs(/.*)?"
    r"|(sha256:)?[0-9a-f]{64}(/.*|\.json|\.tar|\.tar\.gz)?",
    re.S,
)


class Format(Enum):
    """The way in which a tar or a directory holds images."""

    LAYOUT = "an OCI image layout"
    DOCKER_SAVE = "an archive of docker save"
    SINGLE = "a directory of skopeo"


@dataclass
class Contents:
    """The documents at the top of a tar or a directory, and what its other names tell.

    ``prefix`` is the one directory that everything is in, "" if there is none.  A document
    that is too long is empty.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    prefix: str = ""
    has_old_layers: bool = False
    has_only_archive_names: bool = False

    @property
    def format(self) -> Format | None:
        """The format of the archive, None for a root file system.

        Raises Refused for an archive that is recognised and cannot be read.
        """
        manifest = self._json(MANIFEST)
        if _is_index(self._json(INDEX)):
            return Format.LAYOUT
        if _is_docker_list(manifest):
            return Format.DOCKER_SAVE
        if _is_layout(self._json(LAYOUT)):
            raise Corrupt(f"it is {Format.LAYOUT.value} without {INDEX}, or with a broken one")
        if _is_manifest(manifest) or _is_index(manifest):
            return Format.SINGLE
        if self.has_old_layers or _is_old(self._json(REPOSITORIES)):
            raise Refused(
                f"it is an archive of docker save before Docker 1.10, without {MANIFEST}",
                "docker load it, and docker save it anew",
            )
        if self.has_only_archive_names and self.documents:
            documents = ", ".join(sorted(self.documents))
            raise Corrupt(f"it is an archive of images, but {documents} is broken or too long")
        return None

    def _json(self, name: str) -> Any:  # noqa: ANN401 (JSON)
        try:
            return json.loads(self.documents.get(name, b"null"))
        except (ValueError, RecursionError):
            return None


def survey_tar(reader: TarReader, longest: int) -> Contents:
    """Read a tar to its end, and keep its documents of at most ``longest`` bytes."""
    tops: set[str] = set()
    found: dict[tuple[str, ...], bytes] = {}
    old: set[tuple[str, str]] = set()
    only_archive_names = True
    for member in reader:
        parts = parts_of(member.name)
        if not parts:
            continue
        only_archive_names = only_archive_names and bool(_NAME.fullmatch("/".join(parts)))
        if len(tops) < 2:
            tops.add(parts[0] if len(parts) > 1 or member.isdir() else "")
        if len(parts) <= 2 and parts[-1] in DOCUMENTS and member.isreg():
            is_short = member.size <= longest
            found[parts] = b"".join(reader.content(member)) if is_short else b""
        elif _OLD_LAYER.fullmatch("/".join(parts[-2:])) and len(parts) <= 3:
            old.add(("/".join(parts[:-2]), parts[-1]))
    (only,) = tops if len(tops) == 1 else ("",)
    prefixes = ("", only) if only else ("",)
    for prefix in prefixes:
        above = (prefix,) if prefix else ()
        documents = {parts[-1]: data for parts, data in found.items() if parts[:-1] == above}
        has_old = {(prefix, "json"), (prefix, "layer.tar")} <= old
        if documents or has_old:
            return Contents(documents, prefix, has_old, only_archive_names)
    return Contents()


def survey_directory(path: Path, longest: int) -> Contents:
    """Read the documents of at most ``longest`` bytes in a directory."""
    documents = {}
    for name in DOCUMENTS:
        # open(2) of a FIFO would wait for a writer, and a device may have no end.
        if (path / name).is_file():
            is_short = (path / name).stat().st_size <= longest
            documents[name] = (path / name).read_bytes() if is_short else b""
    names = [each.name for each in path.iterdir()]
    old = any(
        _OLD_LAYER.fullmatch(f"{name}/json")
        and (path / name / "json").is_file()
        and (path / name / "layer.tar").is_file()
        for name in names
    )
    only_archive_names = all(_NAME.fullmatch(name) for name in names)
    return Contents(documents, "", old, only_archive_names)


def _is_layout(document: Any) -> bool:  # noqa: ANN401 (JSON)
    return isinstance(document, dict) and "imageLayoutVersion" in document


def _is_index(document: Any) -> bool:  # noqa: ANN401 (JSON)
    entries = document.get("manifests") if isinstance(document, dict) else None
    return isinstance(entries, list) and all(
        isinstance(each, dict) and "digest" in each for each in entries
    )


def _is_docker_list(document: Any) -> bool:  # noqa: ANN401 (JSON)
    return isinstance(document, list) and all(
        isinstance(each, dict) and ("Config" in each or "Layers" in each) for each in document
    )


def _is_manifest(document: Any) -> bool:  # noqa: ANN401 (JSON)
    config = document.get("config") if isinstance(document, dict) else None
    return isinstance(config, dict) and "digest" in config and "layers" in document


def _is_old(document: Any) -> bool:  # noqa: ANN401 (JSON)
    """Tell whether a document maps names to tags to IDs, as ``repositories`` does."""
    tags: list[Mapping[str, Any]] = (
        list(document.values()) if isinstance(document, dict) else []
    )
    return bool(tags) and all(
        isinstance(each, dict)
        and all(re.fullmatch("[0-9a-f]{64}", str(image)) for image in each.values())
        for each in tags
    )
