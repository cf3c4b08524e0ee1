"""Reads one sitemap: XML with the extensions for news, images and translations; text; a feed."""

import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urldefrag, urljoin, urlsplit

from index.articles.cleaning import literal, unescape
from index.articles.text_lists import split_keywords
from index.articles.translation_keys import read_alternates
from index.errors import SourceError, raised_as
from index.sources.encodings import decode, markup_encoding
from index.sources.markup import Element, MarkupError, line_of, local_name, stream_xml
from index.sources.parser_process import parse_apart

_STRAY = re.compile(
    rb"(<!\[CDATA\[.*?(?:\]\]>|\Z))|&(?!(?:amp|lt|gt|quot|apos|#\w{1,31});)", re.DOTALL
)
_BATCH = 1_000
_HEAD = 8192
_BLANK = b"\xef\xbb\xbf \t\r\n"  # with byte order marks
_CONTROL = bytes({*range(32)} - {*b"\t\r\n"})
_END = re.compile(rb".*</(?:\w+:)?(?:urlset|sitemapindex|rss|RDF|feed)\s*>", re.DOTALL)
_CLOSING = re.compile(rb"</(?:\w+:)?(?:urlset|sitemapindex)\s*>")
_ROOT = re.compile(rb"<(\w+:)?(urlset|sitemapindex|rss|RDF|feed)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapEntry:
    """One address in a sitemap.

    Attributes:
        url: The address, absolute and without fragment.
        lastmod: When it last changed, as the sitemap writes it; empty if it does not say.
        facts: What the sitemap says of the page, by article fields: ``title``, ``date``,
            ``language``, ``tags``, ``image``, ``translation_key``.
        is_sitemap: Whether it is the address of another sitemap, not of a page.
    """

    url: str
    lastmod: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    is_sitemap: bool = False


def read_sitemap(content: bytes, base: str, name: str) -> list[SitemapEntry]:
    """Parses a sitemap, in the parser process, and returns the addresses that it names.

    Args:
        content: The sitemap, not gzipped.
        base: The sitemap's own address, to resolve relative ones; empty if it has none.
        name: The sitemap's name, for messages.

    Raises:
        SourceError: If the content is no sitemap.
    """
    return [entry for part in parse_apart(_batches, content, base, name) for entry in part]


def _batches(content: bytes, base: str, name: str) -> Iterator[list[SitemapEntry]]:
    """Yields the entries a thousand at a time: fewer would be slow to send, more large."""
    entries = _parse(content.lstrip(_BLANK), base)
    with raised_as(SourceError, f"{name} is not a sitemap: ", MarkupError, ValueError):
        while found := [*islice(entries, _BATCH)]:
            yield found


def _parse(content: bytes, base: str) -> Iterator[SitemapEntry]:
    if not content.startswith(b"<"):
        lines = decode(content).split()
        if not lines or not lines[0].startswith(("http://", "https://")):
            raise MarkupError("it is neither XML nor a list of addresses")
        pages = (_address(line, base) for line in lines if line.startswith(("http://", "https://")))
        yield from (SitemapEntry(url=url) for url in pages if url)
        return
    if not _ROOT.search(content[:_HEAD]):
        raise MarkupError("its root element is not urlset, sitemapindex or a feed's")
    # Addresses are often written with a bare "&", words with names that only HTML knows.
    content = _STRAY.sub(lambda found: found[1] or b"&amp;", content.translate(None, _CONTROL))
    if complete := _END.match(content):  # what caches and scripts add may follow
        content = complete[0]
    first = _CLOSING.search(content)
    if first and _ROOT.search(content, first.end()):
        raise MarkupError("it is several sitemaps, one behind the other; make each a file")
    names = ("url", "sitemap", "item", "entry")
    encoding = markup_encoding(content) or "utf-8"
    for element in stream_xml(io.BytesIO(content), names, mended=[], encoding=encoding):
        parts = _parts(element)
        links = [link for link in parts["link"] if link.get("rel", "alternate") == "alternate"]
        if local_name(element) in ("url", "sitemap"):
            location = _text(parts, "loc")
        else:
            location = _text({"link": links}, "link") or (links[0].get("href", "") if links else "")
        if url := _address(location, base):
            yield SitemapEntry(
                url=url,
                lastmod=_text(parts, "lastmod") or _text(parts, "updated"),
                facts=_facts(parts, links, url) if parts.keys() - {"loc", "lastmod"} else {},
                is_sitemap=local_name(element) == "sitemap",
            )


def _facts(parts: "_Parts", links: list[Element], url: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    for news in map(_parts, parts["news"]):
        facts["title"] = literal(_text(news, "title"))
        facts["date"] = _text(news, "publication_date")
        facts["tags"] = split_keywords(_text(news, "keywords"))
        for publication in news["publication"]:
            facts["language"] = _text(_parts(publication), "language")
    for image in map(_parts, reversed(parts["image"])):
        if src := _address(_text(image, "loc"), url):
            facts["image"] = {"src": src, "alt": _text(image, "caption") or _text(image, "title")}
    alternates = read_alternates(
        [(link.get("hreflang", ""), _address(link.get("href", ""), url)) for link in links], url
    )
    facts["translation_key"] = alternates.key
    facts["language"] = alternates.language or facts.get("language")
    return {name: value for name, value in facts.items() if value}


_Parts = Mapping[str, list[Element]]


def _parts(parent: Element) -> _Parts:
    """Returns an element's children by name."""
    parts: defaultdict[str, list[Element]] = defaultdict(list)
    for child in parent.iterchildren("*"):
        parts[local_name(child).rpartition(":")[2]].append(child)  # a prefix may be unknown
    return parts


def _text(parts: _Parts, name: str) -> str:
    """Returns the text of the first child with a name, its white space made single spaces."""
    found = parts.get(name)
    return unescape(line_of(found[0])) if found else ""  # often escaped twice


def _address(text: str, base: str) -> str:
    """Returns an absolute address without its fragment; empty if it is none of the web."""
    try:
        url = urldefrag(urljoin(base, text.strip())).url if text.strip() else ""
        parts = urlsplit(url)
        _ = parts.port  # which raises for what is no port
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""
