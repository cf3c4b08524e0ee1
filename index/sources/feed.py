"""RSS, Atom and JSON Feed, by URL or from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urljoin

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.feed_json import read_json_feed
from index.sources.feed_xml import read_xml_feed
from index.sources.host_rules import redacted
from index.sources.http_client import Fetcher, HttpOptions
from index.sources.markup import MarkupError
from index.sources.parser_process import ParserStoppedError, parse_apart
from index.sources.regular_file import open_regular
from recommender.errors import SettingError

_MAX_PAGES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource(HttpOptions):
    """A feed of any of the three formats, with the further pages that it links to.

    Most feeds hold a site's newest articles only: fine for ``--only`` and small sites.

    Attributes:
        url: The feed's URL, or
        path: the file that holds it.
    """

    url: str = field(default="", repr=False)
    path: str = ""

    def __post_init__(self) -> None:
        HttpOptions.__post_init__(self)  # a slotted dataclass has no bare super()
        if bool(self.url) == bool(self.path):
            raise SettingError("a feed needs either url or path")

    @property
    def name(self) -> str:
        """The URL without its query, or the path."""
        return redacted(self.url) if self.url else self.path

    def records(self) -> Iterator[Record | RecordProblem]:
        """See :class:`~index.sources.source.Source`."""
        if not self.url:
            yield from _parsed(self._file(), self.path)[0]
            return
        fetcher = Fetcher(url=self.url, options=self)
        pending, seen = self.url, set[str]()
        while pending and pending not in seen:
            if len(seen) == _MAX_PAGES:
                raise SourceError(f"{self.name} has more than {_MAX_PAGES} pages")
            seen.add(pending)
            answer = fetcher.get(pending)
            records, following = _parsed(answer.body, redacted(answer.url))
            yield from records
            pending = urljoin(answer.url, following) if following else ""

    def _file(self) -> bytes:
        try:
            with open_regular(self.path) as file:
                content = file.read(self.max_bytes + 1)
        except OSError as error:
            raise SourceError(f"{self.path} can't be read: {error.strerror or error}") from error
        if len(content) > self.max_bytes:
            raise SourceError(f"{self.path} is larger than {self.max_bytes} bytes (max_bytes)")
        return content


def _parsed(content: bytes, name: str) -> tuple[list[Record | RecordProblem], str]:
    """``_read(content, name)`` in the parsers' process; if that is stopped, no record is read."""
    try:
        (found,) = parse_apart(_read, content, name)
    except ParserStoppedError as error:
        raise SourceError(f"{name} can't be read: {error}") from error
    return cast("tuple[list[Record | RecordProblem], str]", found)


def _read(content: bytes, name: str) -> tuple[list[Record | RecordProblem], str]:
    """A feed's records, and the link to its next page, empty if it has none."""
    try:
        if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
            return read_json_feed(content, name)
        return read_xml_feed(content, name)
    except MarkupError as error:
        raise SourceError(f"{name} is no feed: {error}") from error
