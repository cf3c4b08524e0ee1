"""Reads RSS, Atom and JSON feeds, from a URL or a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

from index.articles.record import SourceItem
from index.errors import SourceError
from index.sources.encodings import charset_of
from index.sources.feed_json import read_json_feed
from index.sources.feed_xml import read_xml_feed
from index.sources.host_rules import redacted
from index.sources.http_client import Fetcher, HttpOptions
from index.sources.markup import MarkupError
from index.sources.parser_process import parse_apart
from index.sources.regular_file import file_errors, open_unpacked
from recommender.errors import SettingError

_MAX_PAGES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource(HttpOptions):
    """An RSS, Atom or JSON feed; if it has several pages, all of them.

    Most feeds hold only a site's newest articles. That is enough for small sites, and for builds
    that read only a few articles (``--only``).

    Attributes:
        url: The feed's URL; give either this or ``path``.
        path: The file that holds the feed.
    """

    url: str = field(default="", repr=False)
    path: str = ""

    def __post_init__(self) -> None:
        HttpOptions.__post_init__(self)  # a slotted dataclass has no bare super()
        if bool(self.url) == bool(self.path):
            raise SettingError("the source needs either url or path, to say where the feed is")

    @property
    def name(self) -> str:
        """The feed's URL without its query, or its path."""
        return redacted(self.url) if self.url else self.path

    def records(self) -> Iterator[SourceItem]:
        """Yields one record for each entry of the feed, or a problem for an entry it can't read."""
        if not self.url:
            with file_errors(self.path, "a feed"), open_unpacked(self.path) as file:
                content = file.read(self.max_bytes + 1)
            if len(content) > self.max_bytes:
                raise SourceError(
                    f"{self.path} exceeds {self.max_bytes} bytes; raise its max_bytes"
                )
            found = parse_apart(_read, content, self.path, "", "")
            yield from (item for item in found if not isinstance(item, str))
            return
        fetcher = Fetcher(url=self.url, options=self)
        pending, seen = self.url, set[str]()
        while pending and pending not in seen:
            if len(seen) == _MAX_PAGES:
                raise SourceError(f"{self.name} has over {_MAX_PAGES} pages, more than are read")
            seen.add(pending)
            answer = fetcher.get(pending)
            charset = charset_of(answer.headers.get("content-type", ""))
            pending = ""
            name = redacted(answer.url)
            for item in parse_apart(_read, answer.body, name, answer.url, charset):
                if isinstance(item, str):
                    pending = urljoin(answer.url, item) if item else ""
                else:
                    yield item


def _read(content: bytes, name: str, url: str, charset: str) -> Iterator[SourceItem | str]:
    """Parses a page of a feed; yields its records, and the link to the next page as text."""
    try:
        if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
            yield from read_json_feed(content, name)
        else:
            yield from read_xml_feed(content, name, url, charset)
    except MarkupError as error:
        raise SourceError(f"{name} is not a feed: {error}") from error
