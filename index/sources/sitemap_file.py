"""Parses sitemaps: XML with the extensions for news, images and translations; text; feeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin, urlsplit

from index.articles.translation_keys import read_alternates
from index.sources.encodings import decode
from index.sources.markup import Element, MarkupError, local_name, parse_xml, text_of

_STRAY = re.compile(rb"&(?!#?\w{1,31};)")


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

    pages: list[SitemapEntry]
    sitemaps: list[SitemapEntry]


def parse_sitemap(content: bytes, base: str) -> Sitemap:
    """Parses a sitemap, a sitemap index, a feed, or a text file with one address a line.

    Args:
        content: The file, unpacked.
        base: Its own address, for relative ones; empty if it has none.

    Raises:
        MarkupError: If it is none of these.
    """
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not content.startswith(b"<"):
        return Sitemap(pages=_text_entries(content, base), sitemaps=[])
    try:
        root = parse_xml(content)
    except MarkupError:
        mended = _STRAY.sub(b"&amp;", content)  # addresses are often written with a bare "&"
        if mended == content:
            raise
        root = parse_xml(mended)
    kind = local_name(root)
    if kind == "urlset":
        return Sitemap(pages=_entries(root, "url", base), sitemaps=[])
    if kind == "sitemapindex":
        return Sitemap(pages=[], sitemaps=_entries(root, "sitemap", base))
    if kind in ("rss", "RDF", "feed"):
        return Sitemap(pages=_feed_entries(root, base), sitemaps=[])
    raise MarkupError(f"the root element is <{kind}>, not urlset, sitemapindex or that of a feed")


def _text_entries(content: bytes, base: str) -> list[SitemapEntry]:
    try:
        lines = decode(content).split()
    except ValueError as error:
        raise MarkupError(str(error)) from error
    if not lines or not lines[0].startswith(("http://", "https://")):
        raise MarkupError("it is neither XML nor a list of addresses")
    return [SitemapEntry(url=url) for line in lines if (url := _address(line, base))]


def _entries(root: Element, name: str, base: str) -> list[SitemapEntry]:
    found = []
    for entry in _children(root, name):
        if url := _address(_text(entry, "loc"), base):
            facts = {key: value for key, value in _facts(entry, url).items() if value}
            found.append(SitemapEntry(url=url, lastmod=_text(entry, "lastmod"), facts=facts))
    return found


def _facts(entry: Element, url: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    for news in _children(entry, "news"):
        facts["title"] = _text(news, "title")
        facts["date"] = _text(news, "publication_date")
        facts["tags"] = [
            tag for word in _text(news, "keywords").split(",") if (tag := word.strip())
        ]
        for publication in _children(news, "publication"):
            facts["language"] = _text(publication, "language")
    for image in _children(entry, "image"):
        if "image" not in facts and (src := _text(image, "loc")):
            alt = _text(image, "caption") or _text(image, "title")
            facts["image"] = {"src": src, "alt": alt}
    alternates = read_alternates(
        [
            (link.get("hreflang", ""), _address(link.get("href", ""), url))
            for link in _children(entry, "link")
            if link.get("rel", "alternate") == "alternate"
        ],
        url,
    )
    facts["translation_key"] = alternates.key
    facts["language"] = alternates.language or facts.get("language")
    return facts


def _feed_entries(root: Element, base: str) -> list[SitemapEntry]:
    found = []
    for entry in root.iter("{*}item", "{*}entry"):
        links = [text_of(link).strip() or link.get("href", "") for link in _page_links(entry)]
        changed = _text(entry, "updated") or _text(entry, "pubDate")
        if links and (url := _address(links[0], base)):
            found.append(SitemapEntry(url=url, lastmod=changed))
    return found


def _page_links(entry: Element) -> Iterator[Element]:
    for link in _children(entry, "link"):
        if link.get("rel", "alternate") == "alternate":
            yield link


def _children(parent: Element, name: str) -> Iterator[Element]:
    return (child for child in parent.iterchildren("*") if local_name(child) == name)


def _text(parent: Element, name: str) -> str:
    return next((" ".join(text_of(child).split()) for child in _children(parent, name)), "")


def _address(text: str, base: str) -> str:
    """Returns an absolute address without its fragment; empty if it is none of the web."""
    try:
        url = urldefrag(urljoin(base, text.strip())).url
        parts = urlsplit(url)
        _ = parts.port  # which raises for what is no port
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""
