"""Parse references, the names of images, with Docker's rules and defaults.

The grammar is that of distribution/reference, and of the OCI distribution-spec.
"""

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
_COMPONENT = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(f"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
MAX_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of a reference: ``docker.io``, ``library/busybox``, ``latest``, and a digest.

    ``tag`` or ``digest`` is None if the reference does not have it.
    """

    registry: str
    repository: str
    tag: str | None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def tag_or_digest(self) -> str:
        """The name of the manifest in a request to the registry: the digest, else the tag."""
        return self.digest or self.tag or LATEST


def parse(text: str) -> Reference:
    """Parse a name: ``busybox``, ``me/app:2``, ``localhost:5000/app``, ``app@sha256:...``.

    Raises UsageError.
    """
    name, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise _refusal(text, "what follows the @ is not a sha256 digest")
    registry, name = _split_registry(name)
    repository, colon, tag = name.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _refusal(text, "what follows the : is not a tag")
    if registry == HUB and "/" not in repository:
        repository = OFFICIAL + repository
    if not _DOMAIN.fullmatch(registry):
        raise _refusal(text, f"{registry} is not a name of a registry")
    if not _REPOSITORY.fullmatch(repository) or len(repository) > MAX_LENGTH:
        raise _refusal(text, "a name has lower case letters, digits and single . _ - between")
    return Reference(registry, repository, tag or (None if digest else LATEST), digest or None)


def familiar(name: str) -> str:
    """Return Docker's familiar form of a full name: ``busybox:latest``."""
    without_registry = name.removeprefix(f"{HUB}/")
    # ``library/`` is left out for Docker Hub only.
    return without_registry.removeprefix(OFFICIAL) if without_registry != name else name


def name_from_word(word: str) -> str:
    """Make a valid name for an image from any word, such as a file name."""
    parts = re.findall("[a-z0-9]+", word.lower())
    return "-".join(parts)[:MAX_LENGTH].strip("-") or "image"


def _split_registry(name: str) -> tuple[str, str]:
    # Docker's rule: the first part is a registry if it cannot be a user name of Docker Hub.
    first, slash, remainder = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not slash or not is_host:
        return HUB, name
    return (HUB if first == f"index.{HUB}" else first), remainder


def _refusal(text: str, reason: str) -> UsageError:
    return UsageError(
        f"{text[:100]!r} is not a name of an image: {reason}", "as in busybox:latest"
    )
