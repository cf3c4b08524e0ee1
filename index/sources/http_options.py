"""What sources that read by HTTP have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from index.sources.host_rules import HostRules
from index.sources.http_client import MAX_BYTES, Fetcher
from recommender.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How to fetch; see :class:`~index.sources.http_client.Fetcher`.

    Attributes:
        hosts: Hosts besides the URL's own that may be fetched from.
        private: Private addresses and networks that are meant (``"127.0.0.1"``).
        user: Name for HTTP basic authentication.
        password: Its password.
        timeout: Longest time for one request, in seconds.
        max_bytes: Longest answer, unpacked.
        attempts: Requests in all where the server is busy or the network fails.
    """

    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    max_bytes: int = MAX_BYTES
    attempts: int = 4

    def __post_init__(self) -> None:
        HostRules(hosts=self.hosts, private=self.private)
        if self.timeout <= 0 or self.max_bytes < 1 or self.attempts < 1:
            raise SettingError("timeout, max_bytes and attempts must be above 0")

    def fetcher(self, url: str) -> Fetcher:
        """A fetcher for ``url`` and what it may lead to."""
        return Fetcher(
            url=url,
            hosts=self.hosts,
            private=self.private,
            user=self.user,
            password=self.password,
            timeout=self.timeout,
            max_bytes=self.max_bytes,
            attempts=self.attempts,
        )
