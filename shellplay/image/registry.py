"""One repository of an OCI registry: manifests by tag or digest, and blobs, in pieces.

The requests and the log-in are oras's; here is what it must not do: talk plain HTTP to
another machine, or believe what it gets.
"""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from oras.auth import get_auth_backend
from oras.container import Container
from oras.logger import logger
from requests.adapters import HTTPAdapter

from shellplay.errors import Refused
from shellplay.image.collect import Broken
from shellplay.image.digest import Corrupt, digest_of
from shellplay.image.limits import Limits
from shellplay.image.manifest import INDEXES, MANIFESTS, Descriptor, load
from shellplay.image.reference import HUB, Reference

HUB_HOST = f"registry-1.{HUB}"
PATIENCE = (10, 60)  # seconds to connect, and for each piece
# What is lost when a connection breaks is less than this.
PIECE = 1 << 16
# It would write to the terminal by itself.
logger.set_level(logging.CRITICAL)
ACCEPTED = ", ".join((*MANIFESTS, *INDEXES))


class LoopbackOnly(HTTPAdapter):
    """Speaks plain HTTP with this machine, and with nobody else, also after a redirect."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401
        """Send a request that goes to a loopback address."""
        host = urlsplit(request.url or "").hostname
        if not is_loopback(str(host)):
            raise Refused(f"{host} answers without encryption", "use a registry with https")
        return super().send(request, **{**options, "timeout": PATIENCE})


class Patient(HTTPAdapter):
    """Speaks HTTPS, and gives up when nothing comes for a while."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401
        """Send a request."""
        return super().send(request, **{**options, "timeout": PATIENCE})


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name alone: nothing is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Repository:
    """The repository of a reference."""

    def __init__(self, reference: Reference, limits: Limits) -> None:
        self.reference = reference
        self._limits = limits
        host = HUB_HOST if reference.registry == HUB else reference.registry
        plain = is_loopback(urlsplit(f"//{host}").hostname or "")
        self._root = f"{'http' if plain else 'https'}://{host}/v2/"
        self._base = f"{self._root}{reference.repository}"
        self._session = requests.Session()
        self._session.mount("http://", LoopbackOnly())
        self._session.mount("https://", Patient())
        # Some registries take who keeps a cookie for a browser.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._auth = get_auth_backend("token", self._session, plain)

    def __enter__(self) -> Repository:
        with self._asked():
            answer = self._session.get(self._root)
        if answer.headers.get("WWW-Authenticate", "").lower().startswith("basic"):
            self._auth = get_auth_backend("basic", self._session)
        self._read_passwords()
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _read_passwords(self) -> None:
        """Read what docker login has written; the hub has a name of its own there."""
        name = self.reference.registry
        key = f"https://index.{HUB}/v1/" if name == HUB else name
        place = os.environ.get("DOCKER_CONFIG")
        files = [f"{place}/config.json"] if place else None
        try:
            self._auth.load_configs(Container(self.reference.repository, registry=key), files)
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            raise Refused(
                f"the config.json of docker login cannot be used: {error}",
                f"docker logout {name}, and log in again",
            ) from error

    def manifest(self, wanted: str) -> tuple[Descriptor, bytes]:
        """Return what a tag or a digest stands for; raises Refused or Corrupt."""
        with self._answer(f"{self._base}/manifests/{wanted}", Accept=ACCEPTED) as answer:
            data = b"".join(_pieces(answer, self._limits.document_bytes))
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        kind = str(load(data, f"the manifest {wanted}").get("mediaType") or kind)
        digest = digest_of(data)
        if ":" in wanted and digest != wanted:
            raise Corrupt(f"{wanted} is damaged: the registry sent something else")
        return Descriptor(kind, digest, len(data)), data

    @contextmanager
    def blob(self, of: Descriptor, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Give the content of a blob in pieces, and the byte that it really begins at.

        A registry that cannot begin at ``start`` begins at 0.  Raises Broken if the
        connection breaks off, also while the pieces are read.
        """
        asked = {"Range": f"bytes={start}-"} if start else {}
        with self._answer(f"{self._base}/blobs/{of.digest}", **asked) as answer:
            continued = answer.status_code == requests.codes.partial_content
            yield (start if continued else 0), _pieces(answer, of.size)

    @contextmanager
    def _answer(self, url: str, **headers: str) -> Iterator[requests.Response]:
        with self._asked():
            answer = self._get(url, {"Accept-Encoding": "identity", **headers})
        with answer:
            self._check(answer)
            yield answer

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        known = getattr(self._auth, "token", None) is not None
        if known:
            headers.update(self._auth.get_auth_header())
        answer = self._session.get(url, headers=headers, stream=True)
        if answer.status_code not in (requests.codes.unauthorized, requests.codes.forbidden):
            return answer
        # A token that was good before has aged.
        headers, changed = self._auth.authenticate_request(answer, headers, refresh=known)
        if not changed:
            return answer
        answer.close()
        return self._session.get(url, headers=headers, stream=True)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except requests.RequestException as error:
            name = self.reference.registry
            raise Broken(f"{name} cannot be reached: {_reason(error)}") from error
        except AttributeError as error:
            # This is how oras says that it knows no name and password.
            raise self._denied() from error

    def _check(self, answer: requests.Response) -> None:
        status = answer.status_code
        if status in (requests.codes.ok, requests.codes.partial_content):
            return
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            raise self._denied()
        if status == requests.codes.not_found:
            raise Refused(f"{self.reference} is not in its registry", "check the name")
        if status == requests.codes.too_many_requests:
            raise Refused(
                f"{self.reference.registry} wants no more requests now", "wait a while"
            )
        if status >= 500:
            raise Broken(f"{self.reference.registry} answered {status} {answer.reason}")
        raise Refused(f"{self.reference.registry} answered {status} {answer.reason}")

    def _denied(self) -> Refused:
        name = self.reference.registry
        return Refused(
            f"{name} shows {self.reference} to nobody that it does not know",
            f"docker login {name}, or check the name",
        )


def _pieces(answer: requests.Response, limit: int) -> Iterator[bytes]:
    left = limit
    try:
        for piece in answer.iter_content(PIECE):
            left -= len(piece)
            if left < 0:
                raise Corrupt("the registry sends more than it said")
            yield piece
    except requests.RequestException as error:
        raise Broken(f"the connection broke off: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return the innermost cause of an error of requests, which wraps it three times."""
    cause = error
    while (inner := _inner(cause)) is not None:
        cause = inner
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return " ".join(str(cause).split())[:200] or type(cause).__name__


def _inner(error: BaseException) -> BaseException | None:
    wrapped = (getattr(error, "reason", None), *error.args, error.__cause__)
    return next((one for one in wrapped if isinstance(one, BaseException)), None)
