"""Read one repository of an OCI registry: manifests by tag or digest, and blobs in chunks.

oras makes the requests and logs in.  This module adds the checks that oras lacks: no plain
HTTP to another machine, limits for sizes and times, and a check of each digest.
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
from shellplay.image.collect import ConnectionLost
from shellplay.image.digest import Corrupt, digest_of
from shellplay.image.limits import Limits
from shellplay.image.manifest import INDEXES, MANIFESTS, Descriptor, load_object
from shellplay.image.reference import HUB, Reference

HUB_HOST = f"registry-1.{HUB}"
TIMEOUTS = (10, 60)  # seconds to connect, and to wait for each chunk
# A broken connection loses fewer bytes than this.
CHUNK_BYTES = 1 << 16
# oras logs to the terminal, which would disturb the prompt.
logger.set_level(logging.CRITICAL)
ACCEPTED = ", ".join((*MANIFESTS, *INDEXES))


class LoopbackHttpAdapter(HTTPAdapter):
    """Sends plain HTTP requests to loopback addresses only, also after a redirect."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401
        """Send a request to a loopback address; raises Refused for any other address."""
        host = urlsplit(request.url or "").hostname
        if not is_loopback(str(host)):
            raise Refused(f"{host} answers without encryption", "use a registry with https")
        return super().send(request, **{**options, "timeout": TIMEOUTS})


class HttpsAdapter(HTTPAdapter):
    """Sends HTTPS requests, with the timeouts TIMEOUTS."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401
        """Send a request; raises a requests.Timeout if there is no answer in time."""
        return super().send(request, **{**options, "timeout": TIMEOUTS})


def is_loopback(host: str) -> bool:
    """Tell whether a host is a loopback address or ``localhost``; no name is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Repository:
    """The repository that a reference names; a context manager that holds the HTTP session."""

    def __init__(self, reference: Reference, limits: Limits) -> None:
        self.reference = reference
        self._limits = limits
        host = HUB_HOST if reference.registry == HUB else reference.registry
        is_plain = is_loopback(urlsplit(f"//{host}").hostname or "")
        self._root = f"{'http' if is_plain else 'https'}://{host}/v2/"
        self._base = f"{self._root}{reference.repository}"
        self._session = requests.Session()
        self._session.mount("http://", LoopbackHttpAdapter())
        self._session.mount("https://", HttpsAdapter())
        # Some registries treat a client with cookies as a browser, and refuse its requests.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._auth = get_auth_backend("token", self._session, is_plain)

    def __enter__(self) -> Repository:
        with self._connection_errors():
            response = self._session.get(self._root)
        if response.headers.get("WWW-Authenticate", "").lower().startswith("basic"):
            self._auth = get_auth_backend("basic", self._session)
        self._load_credentials()
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _load_credentials(self) -> None:
        """Load the credentials of ``docker login``; Docker Hub has a special key there."""
        name = self.reference.registry
        key = f"https://index.{HUB}/v1/" if name == HUB else name
        directory = os.environ.get("DOCKER_CONFIG")
        files = [f"{directory}/config.json"] if directory else None
        try:
            self._auth.load_configs(Container(self.reference.repository, registry=key), files)
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            raise Refused(
                f"the config.json of docker login cannot be used: {error}",
                f"docker logout {name}, and log in again",
            ) from error

    def manifest(self, tag_or_digest: str) -> tuple[Descriptor, bytes]:
        """Return the descriptor and the bytes of a manifest or an index.

        Raises Refused, Corrupt or ConnectionLost.
        """
        with self._response(
            f"{self._base}/manifests/{tag_or_digest}", Accept=ACCEPTED
        ) as response:
            data = b"".join(_chunks(response, self._limits.document_bytes))
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        document = load_object(data, f"the manifest {tag_or_digest}")
        media_type = str(document.get("mediaType") or media_type)
        digest = digest_of(data)
        if ":" in tag_or_digest and digest != tag_or_digest:
            raise Corrupt(f"{tag_or_digest} is damaged: the registry sent something else")
        return Descriptor(media_type, digest, len(data)), data

    @contextmanager
    def open_blob(
        self, descriptor: Descriptor, offset: int
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Request a blob from the byte ``offset`` on; give the real offset, and the chunks.

        The real offset is 0 if the registry ignores the Range header.  Raises ConnectionLost
        if the connection breaks, also while the chunks are read, and Refused or Corrupt.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._response(f"{self._base}/blobs/{descriptor.digest}", **headers) as response:
            continued = response.status_code == requests.codes.partial_content
            yield (offset if continued else 0), _chunks(response, descriptor.size)

    @contextmanager
    def _response(self, url: str, **headers: str) -> Iterator[requests.Response]:
        with self._connection_errors():
            response = self._get(url, {"Accept-Encoding": "identity", **headers})
        with response:
            self._check_status(response)
            yield response

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        has_token = getattr(self._auth, "token", None) is not None
        if has_token:
            headers.update(self._auth.get_auth_header())
        response = self._session.get(url, headers=headers, stream=True)
        if response.status_code not in (requests.codes.unauthorized, requests.codes.forbidden):
            return response
        # The token may have expired: ask for a new one.
        headers, changed = self._auth.authenticate_request(response, headers, refresh=has_token)
        if not changed:
            return response
        response.close()
        return self._session.get(url, headers=headers, stream=True)

    @contextmanager
    def _connection_errors(self) -> Iterator[None]:
        try:
            yield
        except requests.RequestException as error:
            name = self.reference.registry
            raise ConnectionLost(
                f"{name} cannot be reached: {_innermost_message(error)}"
            ) from error
        except AttributeError as error:
            # oras raises AttributeError if it has no credentials for the registry.
            raise self._denied() from error

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
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
            raise ConnectionLost(
                f"{self.reference.registry} answered {status} {response.reason}"
            )
        raise Refused(f"{self.reference.registry} answered {status} {response.reason}")

    def _denied(self) -> Refused:
        name = self.reference.registry
        return Refused(
            f"{name} shows {self.reference} to nobody that it does not know",
            f"docker login {name}, or check the name",
        )


def _chunks(response: requests.Response, limit: int) -> Iterator[bytes]:
    bytes_left = limit
    try:
        for chunk in response.iter_content(CHUNK_BYTES):
            bytes_left -= len(chunk)
            if bytes_left < 0:
                raise Corrupt("the registry sends more than it said")
            yield chunk
    except requests.RequestException as error:
        raise ConnectionLost(
            f"the connection broke off: {_innermost_message(error)}"
        ) from error


def _innermost_message(error: BaseException) -> str:
    """Return the message of the innermost cause: requests wraps an OSError three times."""
    cause = error
    while (wrapped := _wrapped_error(cause)) is not None:
        cause = wrapped
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return " ".join(str(cause).split())[:200] or type(cause).__name__


def _wrapped_error(error: BaseException) -> BaseException | None:
    candidates = (getattr(error, "reason", None), *error.args, error.__cause__)
    return next(
        (candidate for candidate in candidates if isinstance(candidate, BaseException)), None
    )
