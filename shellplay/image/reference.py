"""References, the names of images, read as Docker reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shellplay.errors import UsageError
from shellplay.image.digest import is_digest

HUB = "docker.io"
OFFICIAL = "library/"
LATEST = "latest"
_DOMAIN = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_PART = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(f"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
LONGEST = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an image is: ``docker.io`` ``library/busybox`` ``latest``, perhaps a digest."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def wanted(self) -> str:
        """What to ask a registry for: the digest if there is one, else the tag."""
        return self.digest or self.tag or LATEST


def parse(text: str) -> Reference:
    """Read a name: ``busybox``, ``me/app:2``, ``localhost:5000/app``, ``app@sha256:...``.

    Raises UsageError.
    """
    name, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise _refusal(text, "what follows the @ is no sha256 digest")
    registry, name = _split_registry(name)
    repository, colon, tag = name.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _refusal(text, "what follows the : is no tag")
    if registry == HUB and "/" not in repository:
        repository = OFFICIAL + repository
    if not _DOMAIN.fullmatch(registry):
        raise _refusal(text, f"{registry} is no name of a registry")
    if not _REPOSITORY.fullmatch(repository) or len(repository) > LONGEST:
        raise _refusal(text, "a name has lower case letters, digits and single . _ - between")
    return Reference(registry, repository, tag or (None if digest else LATEST), digest or None)


def familiar(name: str) -> str:
    """Return the shortest spelling of a whole name: ``busybox:latest``."""
    short = name.removeprefix(f"{HUB}/")
    # Only the hub's own images are named without a user.
    return short.removeprefix(OFFICIAL) if short != name else name


def made_up(word: str) -> str:
    """Return a name for an image from a word that need not be one, such as a file name."""
    parts = re.findall("[a-z0-9]+", word.lower())
    return "-".join(parts)[:LONGEST].strip("-") or "image"


def _split_registry(name: str) -> tuple[str, str]:
    # As Docker does: a first part is a registry if it could not be a user of the hub.
    first, slash, rest = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not slash or not is_host:
        return HUB, name
    return (HUB if first == f"index.{HUB}" else first), rest


def _refusal(text: str, why: str) -> UsageError:
    return UsageError(f"{text[:100]!r} is no name of an image: {why}", "as in busybox:latest")
