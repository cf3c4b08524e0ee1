"""The HTTP client of sources, which does not trust the servers it reads from.

An attacker may control a feed, its DNS entries or its server, which can then redirect anywhere or
never stop sending. So the client fetches only from hosts that the operator named and checks each
redirect like the first request. It looks a host up once and connects to the address that it
checked, refuses private networks unless they are listed, and limits each response in time and in
decompressed size.
"""

import base64
import datetime as dt
import http.client
import logging
import random
import re
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, urljoin, urlsplit

from pydantic import PositiveFloat, PositiveInt

from index.articles.foreign_dates import DateReader
from index.errors import SourceError
from index.sources.host_rules import (
    Address,
    HostRules,
    Resolve,
    WebOrigin,
    is_public,
    origin_of,
    redacted,
    resolve_host,
)
from index.sources.http_connection import connected
from recommender.errors import SettingError, one_line

AGENT = "alsolike"
"""The user agent of every request, and the one whose rules of a robots.txt are kept."""

MAX_BYTES = 32 * 1024 * 1024
"""Largest response body in bytes, after decompression."""

MAX_WAIT = 120.0
"""Longest ``Retry-After`` to wait for, in seconds; if the server asks for more, reading fails."""

MAX_REDIRECTS = 5

_GONE = (404, 410)
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_DONE = (200, 203)
_WITHOUT_PAGE = 202  # checks of visitors answer so
_REDIRECTS = {301, 302, 303, 307, 308}
_CHUNK = 64 * 1024
_PACKINGS = {"br", "zstd", "compress", "x-compress", "gzip", "x-gzip", "deflate"}

logger = logging.getLogger("alsolike.fetching")


class FetchError(SourceError):
    """A URL that can't be fetched.

    Args:
        message: The message for people.
        reason: A short name of the kind of problem, such as ``gone``; ``unreachable`` if all
            attempts failed, but later ones may succeed.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class HttpError(FetchError):
    """A server answered with an error; if it was busy, also at the last attempt.

    Args:
        url: The URL that was requested.
        status: The HTTP status code.
        body: The beginning of the response body, which may state a reason.
        wait: The number of seconds after which the server asks to retry; ``None`` if it does not
            say.
    """

    def __init__(self, url: str, status: int, body: bytes, wait: float | None) -> None:
        name = http.client.responses.get(status, "")
        is_busy = status >= 500 or status in _BUSY or status == _WITHOUT_PAGE
        reason = "gone" if status in _GONE else "unreachable" if is_busy else "refused"
        super().__init__(f"{redacted(url)} answered {status} {name}", reason)
        self.status = status
        self.body = body
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A successful response.

    Attributes:
        url: The URL after redirects.
        headers: The response headers, by name in lower case.
        body: The decompressed body; empty if ``unchanged``.
        unchanged: Whether the server answered a conditional request with 304: nothing changed.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    unchanged: bool = False

    def conditions(self) -> dict[str, str]:
        """Returns request headers with which the server answers only if there is something new."""
        asked = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
        return {name: self.headers[of] for name, of in asked.items() if self.headers.get(of)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The options of every source that is read over HTTP.

    Attributes:
        hosts: Further hosts, besides the URL's own, that may be fetched from; with the port if it
            is not 80 or 443 (``"example:8080"``).
        private: Private networks and addresses that may be fetched from (``"127.0.0.1"``).
        user: User name for HTTP basic authentication.
        password: The user's password; never sent unencrypted over the public internet.
        timeout: Time limit for one request, from connecting to the last byte, in seconds.
        max_bytes: Largest response body in bytes, after decompression.
        attempts: How often at most a URL is requested while the server is busy or the network
            fails.
    """

    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: PositiveFloat = 30.0
    max_bytes: PositiveInt = MAX_BYTES
    attempts: PositiveInt = 4

    def __post_init__(self) -> None:
        HostRules(hosts=self.hosts, private=self.private)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOptions(HttpOptions):
    """The options of sources that read one document, from its URL or a file.

    Attributes:
        url: The document's URL; give either this or ``path``.
        path: The file that holds the document.
    """

    url: str = field(default="", repr=False)
    path: str = ""

    def __post_init__(self) -> None:
        HttpOptions.__post_init__(self)  # a slotted dataclass has no bare super()
        if bool(self.url) == bool(self.path):
            raise SettingError("the source needs either url or path, not both, to say where it is")

    @property
    def name(self) -> str:
        """The document's URL without its query, or its path."""
        return redacted(self.url) if self.url else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """An HTTP client that fetches from the configured hosts only.

    Attributes:
        url: The configured URL; the password is sent to this URL's origin only.
        options: Further hosts, credentials and limits.
        look_up: A function that returns the IP addresses of a host, given its name and port.
        sleep: A function that waits between attempts, for a number of seconds.
    """

    url: str
    options: HttpOptions
    look_up: Resolve = resolve_host
    sleep: Callable[[float], None] = time.sleep

    def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        conditions: Mapping[str, str] = MappingProxyType({}),
        before: Callable[[str], None] = lambda _: None,
    ) -> HttpResponse:
        """Fetches a URL; follows redirects, and retries if the server is busy or the network fails.

        Args:
            url: The URL.
            accept: The media types to ask for.
            conditions: Headers that make the request conditional, such as ``If-None-Match``.
            before: Called with each URL, also of a redirect, before it is requested; may wait, or
                raise a ``SourceError`` to refuse the URL.

        Raises:
            HttpError: If the server answers with an error, or is still busy at the last attempt.
            FetchError: If the network still fails at the last attempt.
            SourceError: If the URL may not be fetched, or if the body is too large.
        """
        attempt = 0
        while True:
            attempt += 1
            wait = 0.5 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            try:
                return self._follow(url, {"Accept": accept, **conditions}, before)
            except HttpError as error:
                wait = wait if error.wait is None else error.wait
                if error.status not in _BUSY or attempt >= self.options.attempts or wait > MAX_WAIT:
                    raise
                reason = f"status {error.status}"
            except ssl.SSLCertVerificationError as error:
                raise SourceError(
                    f"{redacted(url)} has no valid certificate: {error.verify_message}"
                ) from error
            except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
                reason = one_line(str(error)) or type(error).__name__
                if attempt >= self.options.attempts:
                    message = f"{redacted(url)} can't be fetched: {reason} (tried {attempt} times)"
                    raise FetchError(message, "unreachable") from error
            logger.warning("%s: %s; trying again in %.1f s", redacted(url), reason, wait)
            self.sleep(wait)

    def _follow(
        self, url: str, headers: Mapping[str, str], before: Callable[[str], None]
    ) -> HttpResponse:
        for _ in range(MAX_REDIRECTS + 1):
            before(url)
            response = self._request(url, headers)
            if "location" not in response.headers:
                return response
            location = response.headers["location"]
            with suppress(UnicodeError):  # headers are read as if they were Latin-1
                location = location.encode("latin-1").decode()
            target = urlsplit(urljoin(url, location)).geturl()  # with the scheme in lower case
            if urlsplit(url).scheme == "https" and not target.startswith("https:"):
                safe = re.sub("^http:", "https:", target)  # behind a proxy, servers mistake it
                is_same = urlsplit(safe).netloc == urlsplit(url).netloc and safe != url
                if not is_same or not safe.startswith("https:"):
                    raise SourceError(
                        f"{redacted(url)} redirects to {redacted(target)}, which is not encrypted; "
                        "only a redirect to https:// is followed"
                    )
                target = safe
            url = target
        raise SourceError(
            f"{redacted(url)} redirects more than {MAX_REDIRECTS} times; give the final address"
        )

    @property
    def rules(self) -> HostRules:
        """The hosts and addresses that may be fetched from."""
        return HostRules(
            hosts=(str(origin_of(self.url)), *self.options.hosts),
            private=self.options.private,
            look_up=self.look_up,
        )

    def _request(self, url: str, wanted: Mapping[str, str]) -> HttpResponse:
        """Sends one request; the response has a ``location`` header only if it is a redirect."""
        rules = self.rules
        origin = rules.check(url)
        address = rules.address(origin)
        headers = {
            **wanted,
            "Accept-Encoding": "gzip",
            "Connection": "close",
            "User-Agent": AGENT,
            **self._authorization(origin, address),
        }
        with connected(origin, address, self.options.timeout) as connection:
            connection.request("GET", _target(url), headers={"Host": str(origin), **headers})
            with connection.getresponse() as response:
                return self._read_response(url, response)

    def _read_response(self, url: str, response: http.client.HTTPResponse) -> HttpResponse:
        found = {name.lower(): value for name, value in response.getheaders()}
        found |= {"x-robots-tag": "\n".join(response.headers.get_all("x-robots-tag", []))}
        if response.status in _REDIRECTS and "location" in found:
            return HttpResponse(url=url, headers=found, body=b"")
        found.pop("location", None)
        if response.status == 304:
            return HttpResponse(url=url, headers=found, body=b"", unchanged=True)
        if response.status not in _DONE:
            wait = _retry_after(found.get("retry-after"))
            body = response.read(_CHUNK)
            with suppress(zlib.error):  # else it was not packed
                body = zlib.decompressobj(wbits=31).decompress(body, _CHUNK)
            raise HttpError(url, response.status, body, wait)
        return HttpResponse(url=url, headers=found, body=self._body(url, response))

    def _authorization(self, origin: WebOrigin, address: Address) -> dict[str, str]:
        if not self.options.password or origin != origin_of(self.url):
            return {}
        if origin.scheme == "http" and is_public(address):
            raise SourceError(f"the password for {origin} would be sent unencrypted; use https://")
        pair = base64.b64encode(f"{self.options.user}:{self.options.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _body(self, url: str, response: http.client.HTTPResponse) -> bytes:
        """Reads and decompresses the body step by step, and stops as soon as it is too large."""
        encoding = response.getheader("content-encoding", "").strip().lower()
        packed = encoding in ("gzip", "x-gzip", "deflate")
        if not packed and _PACKINGS & {*re.split(r"[\s,]+", encoding)}:  # others pack nothing
            raise SourceError(
                f"{redacted(url)}: the server sent an unsupported content-encoding, {encoding!r}"
            )
        unpack = zlib.decompressobj(wbits=47) if packed else None
        body = bytearray()
        while chunk := response.read(_CHUNK):
            room = self.options.max_bytes + 1 - len(body)
            body += chunk if unpack is None else unpack.decompress(chunk, room)
            if len(body) > self.options.max_bytes:
                raise FetchError(
                    f"{redacted(url)} is larger than {self.options.max_bytes} bytes; to read it, "
                    "raise the source's max_bytes",
                    "too-large",
                )
        if response.length or (unpack is not None and not unpack.eof):
            raise http.client.IncompleteRead(b"", response.length)
        return bytes(body)


def _retry_after(value: str | None) -> float | None:
    """Returns how many seconds a ``Retry-After`` header asks to wait; ``None`` if it is no use.

    The header may state a number of seconds or a date.
    """
    if value is not None and value.strip().isdecimal():
        return float(value)
    at = DateReader().find_instant(value)
    return max(0.0, (at - dt.datetime.now(dt.UTC)).total_seconds()) if at else None


def _target(url: str) -> str:
    """Returns a URL's path and query for the request line, percent-encoded where necessary."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(target, safe="/%?&=:@+,;!$'()*~[]|")
