"""Parses sitemaps: XML with the extensions for news, images and translations; text; feeds."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin, urlsplit

from index.articles.translation_keys import read_alternates
from index.sources.encodings import decode
from index.sources.markup import Element, MarkupError, local_name, stream_xml, text_of

_STRAY = re.compile(rb"&(?!#?\w{1,31};)")
_BATCH = 1_000
_HEAD = 8192
_ROOT = re.compile(rb"<(\w+:)?(urlset|sitemapindex|rss|RDF|feed)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapEntry:
    """One address in a sitemap, of a page or of another sitemap.

    Attributes:
        url: The address, absolute and without fragment.
        lastmod: When it last changed, as the sitemap writes it; empty if it does not say.
        facts: What the sitemap says of the page, by our fields' names: ``title``, ``date``,
            ``language``, ``tags``, ``image``, ``translation_key``.
    """

    url: str
    lastmod: str = ""
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitemap:
    """The content of one sitemap file.

    Attributes:
        pages: The pages that it names.
        sitemaps: The sitemaps that it names, if it is an index.
    """

    pages: list[SitemapEntry] = field(default_factory=list)
    sitemaps: list[SitemapEntry] = field(default_factory=list)


def parse_sitemap(content: bytes, base: str) -> Iterator[Sitemap]:
    """Parses a sitemap, a sitemap index, a feed, or a text file with one address a line.

    Args:
        content: The file, unpacked.
        base: Its own address, for relative ones; empty if it has none.

    Yields:
        Its content, a thousand entries at a time.

    Raises:
        MarkupError: If it is none of these.
    """
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not content.startswith(b"<"):
        yield Sitemap(pages=_text_entries(content, base))
        return
    if not _ROOT.search(content[:_HEAD]):
        raise MarkupError("its root element is not urlset, sitemapindex or a feed's")
    content = _STRAY.sub(b"&amp;", content)  # addresses are often written with a bare "&"
    found = Sitemap()
    for element in stream_xml(io.BytesIO(content), ("url", "sitemap", "item", "entry")):
        name = local_name(element)
        entry = (_entry if name in ("url", "sitemap") else _feed_entry)(element, base)
        if entry is not None:
            (found.sitemaps if name == "sitemap" else found.pages).append(entry)
        if len(found.pages) + len(found.sitemaps) == _BATCH:
            yield found
            found = Sitemap()
    yield found


def _text_entries(content: bytes, base: str) -> list[SitemapEntry]:
    try:
        lines = decode(content).split()
    except ValueError as error:
        raise MarkupError(str(error)) from error
    if not lines or not lines[0].startswith(("http://", "https://")):
        raise MarkupError("it is neither XML nor a list of addresses")
    return [SitemapEntry(url=url) for line in lines if (url := _address(line, base))]


def _entry(element: Element, base: str) -> SitemapEntry | None:
    parts: dict[str, list[Element]] = {}
    for child in element.iterchildren("*"):
        parts.setdefault(local_name(child), []).append(child)
    url = _address(_joined(parts.get("loc", [])), base)
    if not url:
        return None
    facts = _facts(parts, url) if len(parts) > 2 else {}
    facts = {name: value for name, value in facts.items() if value}
    return SitemapEntry(url=url, lastmod=_joined(parts.get("lastmod", [])), facts=facts)


def _facts(parts: Mapping[str, list[Element]], url: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    for news in parts.get("news", []):
        facts["title"] = _text(news, "title")
        facts["date"] = _text(news, "publication_date")
        words = _text(news, "keywords").split(",")
        facts["tags"] = [tag for word in words if (tag := word.strip())]
        for publication in _children(news, "publication"):
            facts["language"] = _text(publication, "language")
    for image in parts.get("image", []):
        if "image" not in facts and (src := _text(image, "loc")):
            alt = _text(image, "caption") or _text(image, "title")
            facts["image"] = {"src": src, "alt": alt}
    alternates = read_alternates(
        [
            (link.get("hreflang", ""), _address(link.get("href", ""), url))
            for link in parts.get("link", [])
            if link.get("rel", "alternate") == "alternate"
        ],
        url,
    )
    facts["translation_key"] = alternates.key
    facts["language"] = alternates.language or facts.get("language")
    return facts


def _feed_entry(entry: Element, base: str) -> SitemapEntry | None:
    links = [text_of(link).strip() or link.get("href", "") for link in _page_links(entry)]
    url = _address(links[0], base) if links else ""
    return SitemapEntry(url=url, lastmod=_text(entry, "updated")) if url else None


def _page_links(entry: Element) -> Iterator[Element]:
    for link in _children(entry, "link"):
        if link.get("rel", "alternate") == "alternate":
            yield link


def _children(parent: Element, name: str) -> Iterator[Element]:
    return (child for child in parent.iterchildren("*") if local_name(child) == name)


def _text(parent: Element, name: str) -> str:
    return _joined([*_children(parent, name)])


def _joined(elements: Sequence[Element]) -> str:
    return " ".join(text_of(elements[0]).split()) if elements else ""


def _address(text: str, base: str) -> str:
    """Returns an absolute address without its fragment; empty if it is none of the web."""
    try:
        url = urldefrag(urljoin(base, text.strip())).url
        parts = urlsplit(url)
        _ = parts.port  # which raises for what is no port
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""
