"""Reads WordPress exports (WXR): what Tools, Export in WordPress writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.html_texts import read_html_text, without_own_link
from index.sources.markup import Element, MarkupError, local_name, stream_xml, text_of
from index.sources.page_folder import literal
from index.sources.parser_process import ParserStoppedError, parse_apart, parse_record
from index.sources.regular_file import file_errors, open_unpacked
from index.sources.source import PathSource, SplitSource

EXPORT = "http://wordpress.org/export/"
"""What the namespaces of a WordPress export begin with."""

_EXCERPT = "/excerpt/"
_NO_DATE = "0000-00-00"
_CONTROLS = bytes(32 if code < 32 and code not in (9, 10, 13) else code for code in range(256))
_PAUSE = 100  # elements after which the parser's clock begins anew
_BLOCKS = r"caption|wp_caption|gallery|audio|video|playlist|embed|more|vc_\w+|et_pb_\w+"
_BLOCK = re.compile(
    rf"\[(embed|audio|video|playlist)\b[^\[\]<>]{{0,500}}\][^\[\]<>]{{0,2000}}\[/\1\]"
    rf"|\[/?(?:{_BLOCKS})(?:\s[^\[\]]{{0,2000}})?/?\]",
    re.IGNORECASE,
)
_SHORTCODE = re.compile(
    r"\[[a-z][\w-]{1,60}(?:\s[^\[\]<>]{0,500}=[^\[\]]{0,2000})\]|\[/[a-z][\w-]{1,60}\]",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_NOINDEX = {
    "_yoast_wpseo_meta-robots-noindex": "1",
    "rank_math_robots": "noindex",
    "_seopress_robots_index": "yes",
    "_aioseop_noindex": "on",
    "_genesis_noindex": "1",
}
"""For each field in which a plugin says that a post is not to be listed, the value that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WxrSource(PathSource, SplitSource):
    """A WordPress export, an XML file, gzipped or not.

    Drafts, scheduled, private and trashed posts, and those behind a password, keep their status, so
    that no reader sees them. Attachments, menus, revisions and all other types are not articles.

    Attributes:
        path: The file.
        types: The post types to read, by their names in the export.
    """

    types: tuple[str, ...] = ("post", "page")

    def split(self) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
        """Returns the posts' raw values in order, and the function that parses those of one."""
        return self._posts(), _parsed

    def _posts(self) -> Iterator[dict[str, Any]]:
        try:
            for post in parse_apart(_read, self.path, self.types):
                if post is not None:
                    yield post
        except ParserStoppedError as error:
            raise SourceError(f"{self.path} can't be read: {error}") from error


def _parsed(post: dict[str, Any]) -> Record | RecordProblem:
    return parse_record(post["location"], _record, post)


def _read(path: str, types: tuple[str, ...]) -> Iterator[dict[str, Any] | None]:
    """Yields the posts of some types; ``None`` now and then, so that the parser's clock goes on."""
    with file_errors(path, "a WordPress export (.xml)"):
        try:
            site = _Site()
            yield from site.read(path)
            with open_unpacked(path) as file:
                for number, item in enumerate(stream_xml(_Cleaned(file), ("item", "comment")), 1):
                    if local_name(item) == "item" and _text(item, "post_type") in types:
                        yield _raw(item, site, path)
                    elif number % _PAUSE == 0:
                        yield None
        except MarkupError as error:
            raise SourceError(f"{path} can't be read to its end: {error}") from error


class _Cleaned:
    """An export's bytes without what XML forbids: blank lines before it, and control characters."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._begun = False

    def read(self, size: int) -> bytes:
        content = self._file.read(size)
        if not self._begun:
            content = content.removeprefix(b"\xef\xbb\xbf").lstrip() or content
            self._begun = True
        return content.translate(_CONTROLS)


class _Site:
    """What an export says once for all posts: its language, authors and pictures."""

    def __init__(self) -> None:
        self.language = ""
        self.authors: dict[str, str] = {}
        self.pictures: dict[str, tuple[str, str]] = {}
        self.is_export = False

    def read(self, path: str) -> Iterator[None]:
        """Reads the export once; yields now and then.

        Raises:
            SourceError: If the file is not a WordPress export.
            MarkupError: If it is not well-formed.
        """
        names = ("language", "wxr_version", "author", "item", "comment")
        with open_unpacked(path) as file:
            for number, element in enumerate(stream_xml(_Cleaned(file), names), 1):
                self._learn(local_name(element), element)
                if number % _PAUSE == 0:
                    yield
        if not self.is_export:
            raise SourceError(
                f"{path} is no WordPress export: it holds no post with a wp:post_type; read a feed "
                'with kind = "feed"'
            )

    def _learn(self, name: str, element: Element) -> None:
        if name == "language":
            self.language = self.language or text_of(element).strip()
        elif name == "author" and EXPORT in element.tag:
            shown = _text(element, "author_display_name")
            if login := _text(element, "author_login"):
                self.authors[login] = shown or login
        elif name == "wxr_version":
            self.is_export = True
        elif name == "item":
            kind = _text(element, "post_type")
            self.is_export = self.is_export or bool(kind)
            if kind == "attachment" and (address := _text(element, "attachment_url")):
                words = _meta(element).get("_wp_attachment_image_alt", "")
                self.pictures[_text(element, "post_id")] = address, words


def _raw(item: Element, site: _Site, path: str) -> dict[str, Any]:
    """Returns a post's values as the export holds them."""
    number = _text(item, "post_id")
    creators = [text_of(child).strip() for child in item if local_name(child) == "creator"]
    meta = _meta(item)
    return {
        "location": f"{path} post {number or '?'} (line {item.sourceline})",
        "id": number,
        "title": _text(item, "title"),
        "link": _text(item, "link"),
        "guid": _text(item, "guid"),
        "slug": _text(item, "post_name"),
        "status": _text(item, "status"),
        "password": _text(item, "post_password"),
        "content": _encoded(item, excerpt=False),
        "excerpt": _encoded(item, excerpt=True),
        "date_gmt": _text(item, "post_date_gmt"),
        "date": _text(item, "post_date"),
        "published": _text(item, "pubDate"),
        "creators": [site.authors.get(name, name) for name in creators if name],
        "terms": [
            (child.get("domain", ""), child.get("nicename", ""), text_of(child).strip())
            for child in item
            if local_name(child) == "category"
        ],
        "picture": site.pictures.get(meta.get("_thumbnail_id", "")),
        "noindex": any(value in meta.get(name, "") for name, value in _NOINDEX.items()),
        "language": site.language,
    }


def _text(parent: Element, name: str) -> str:
    found = (text_of(child).strip() for child in parent if local_name(child) == name)
    return next(found, "")


def _encoded(item: Element, *, excerpt: bool) -> str:
    found = (
        text_of(child)
        for child in item
        if local_name(child) == "encoded" and (_EXCERPT in child.tag) is excerpt
    )
    return next(found, "").strip()


def _meta(item: Element) -> dict[str, str]:
    return {
        _text(child, "meta_key"): _text(child, "meta_value")
        for child in item
        if local_name(child) == "postmeta"
    }


def _record(post: Mapping[str, Any]) -> Record | RecordProblem:
    location, url = post["location"], post["link"]
    content = _SHORTCODE.sub(" ", _BLOCK.sub("<br>", post["content"]))
    try:
        text = read_html_text(_BLANK_LINES.sub("<br>", content), url, post["title"])
        excerpt = without_own_link(post["excerpt"], url)
    except MarkupError as error:
        return RecordProblem(
            location=location, field="content", reason="invalid-html", message=str(error)
        )
    terms = {domain: name for domain, name, _ in post["terms"]}
    gmt = "" if post["date_gmt"].startswith(_NO_DATE) else post["date_gmt"]
    local = "" if post["date"].startswith(_NO_DATE) else post["date"]
    published = "" if "-0001" in post["published"] else post["published"]
    aliases = [address for address in (post["guid"],) if address.startswith("http")]
    values: dict[str, Any] = {
        **text,
        "id": post["id"],
        "slug": post["slug"],
        "url": url,
        "aliases": [address for address in aliases if address != url],
        "excerpt": excerpt,
        "date": local or gmt or published,
        "language": terms.get("language") or post["language"],
        "translation_key": terms.get("post_translations"),
        "tags": [
            name
            for domain, nicename, name in post["terms"]
            if domain in ("category", "post_tag", "tag") and name and nicename != "uncategorized"
        ],
        "authors": [literal(name) for name in post["creators"]],
        "status": "private" if post["password"] else post["status"] or "unknown",
        "visible_from": (gmt and f"{gmt}Z") or published if post["status"] == "future" else None,
        "robots": "noindex" if post["noindex"] else None,
    }
    if post["picture"]:
        values["image"] = {"src": post["picture"][0], "alt": literal(post["picture"][1])}
    with suppress(ValueError):
        values["id"] = int(post["id"])
    return Record(location=location, values={k: v for k, v in values.items() if v})
