"""Reads WordPress exports (WXR): what Tools, Export in WordPress writes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from index.articles.cleaning import literal
from index.articles.record import Record, RecordProblem, SourceItem
from index.errors import SourceError
from index.sources.html_texts import html_record
from index.sources.markup import Element, MarkupError, local_name, stream_xml, text_of
from index.sources.parser_process import parse_apart, parse_record
from index.sources.regular_file import file_errors, open_unpacked
from index.sources.source import PathSource, SplitItems, SplitSource

_CONTROLS = bytes(32 if code < 32 and code not in (9, 10, 13) else code for code in range(256))
_MAX_TOLD = 20  # faults of an export's XML that are told
_PAUSE = 100  # elements after which the parser's clock begins anew
_BLOCKS = r"caption|wp_caption|gallery|audio|video|playlist|embed|more|vc_\w+|et_pb_\w+"
_BLOCK = re.compile(
    rf"\[(embed|audio|video|playlist)\b[^\[\]<>]{{0,500}}\][^\[\]<>]{{0,2000}}\[/\1\]"
    rf"|\[/?(?:{_BLOCKS})(?:\s[^\[\]]{{0,2000}})?/?\]",
    re.IGNORECASE,
)
_SHORTCODE = re.compile(
    r"\[[a-z][\w-]{1,60}(?:\s[^\[\]<>]{0,500}=[^\[\]]{0,2000})\]", re.IGNORECASE
)
_CLOSING = re.compile(r"\[/([a-z][\w-]{1,60})\]", re.IGNORECASE)
_BARE = re.compile(r"\[/?([a-z][\w-]{1,60})\]", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_NOINDEX = {
    "_yoast_wpseo_meta-robots-noindex": "1",
    "rank_math_robots": "noindex",
    "_seopress_robots_index": "yes",
    "_aioseop_noindex": "on",
    "_genesis_noindex": "1",
    "_tsf_noindex": "1",
    "_sq_noindex": "1",
    "_links_to": "",
    "_yoast_wpseo_redirect": "",
}
"""For each field in which a plugin says that a post is not to be listed, a part of the value that
says so; empty if any value does, because it is the address to which the post's own leads."""


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

    def split(self) -> SplitItems:
        """Returns the posts' raw values in order, and the function that parses those of one."""
        return self._posts(), _parsed

    def _posts(self) -> Iterator[dict[str, Any] | RecordProblem]:
        for post in parse_apart(_read, self.path, self.types):
            if post is not None:
                yield post


def _parsed(post: dict[str, Any]) -> SourceItem:
    return parse_record(post["location"], _record, post)


def _read(path: str, types: tuple[str, ...]) -> Iterator[dict[str, Any] | RecordProblem | None]:
    """Yields the posts of some types; ``None`` now and then, so that the parser's clock goes on."""
    site = _Site()
    shared = ("language", "wxr_version", "author", "item", "comment")
    with file_errors(path, "a WordPress export (.xml)"):
        try:
            yield from _each(path, shared, site.learn, [])
            if not site.is_export:
                raise SourceError(
                    f"{path} is no WordPress export: it holds no post with a wp:post_type; read a "
                    'feed with kind = "feed"'
                )
            mended: list[str] = []
            yield from _each(path, ("item", "comment"), partial(_raw, path, types, site), mended)
            for place in mended[:_MAX_TOLD]:
                message = f"the export is not well-formed XML: {place}; check that place"
                yield RecordProblem(location=path, reason="not-well-formed", message=message)
        except MarkupError as error:
            raise SourceError(f"{path} can't be read to its end: {error}") from error


def _each(
    path: str, names: tuple[str, ...], use: Callable[[Element], Any], mended: list[str]
) -> Iterator[Any]:
    """Yields what is made of each element that is not ``None``, and ``None`` now and then."""
    with open_unpacked(path) as file:
        head = file.peek()
        file.read(len(head) - len(head.removeprefix(b"\xef\xbb\xbf").lstrip()))
        # XML forbids blank lines before it, and control characters.
        cleaned = SimpleNamespace(read=lambda size: file.read(size).translate(_CONTROLS))
        for number, element in enumerate(stream_xml(cleaned, names, mended), 1):
            found = use(element)
            if found is not None or number % _PAUSE == 0:
                yield found


class _Site:
    """What an export says once for all posts: its language, authors and pictures."""

    def __init__(self) -> None:
        self.language = ""
        self.authors: dict[str, str] = {}
        self.pictures: dict[str, dict[str, str]] = {}
        self.is_export = False

    def learn(self, element: Element) -> None:
        name, fields = local_name(element), _fields(element)
        if name == "language":
            self.language = self.language or text_of(element).strip()
        elif name == "author" and (login := fields["author_login"]):
            self.authors[login] = fields["author_display_name"] or login
        elif name == "wxr_version" or fields["post_type"]:
            self.is_export = True
        if fields["post_type"] == "attachment" and (address := fields["attachment_url"]):
            words = _meta(element)["_wp_attachment_image_alt"]
            self.pictures[fields["post_id"]] = {"src": address, "alt": literal(words)}


def _fields(element: Element) -> defaultdict[str, str]:
    """Returns the texts below an element by their names; the first of several of one name."""
    found = defaultdict[str, str](str)
    for child in element.iterchildren("*"):  # no undefined entities
        name = "excerpt" if "/excerpt/" in str(child.tag) else local_name(child)
        found[name] = found[name] or text_of(child).strip()
    return found


def _meta(item: Element) -> defaultdict[str, str]:
    entries = [_fields(child) for child in item if local_name(child) == "postmeta"]
    return defaultdict(str, {entry["meta_key"]: entry["meta_value"] for entry in entries})


def _raw(path: str, types: tuple[str, ...], site: _Site, item: Element) -> dict[str, Any] | None:
    """Returns a post's values as the export holds them; ``None`` if it is of no wanted type."""
    fields, meta = _fields(item), _meta(item)
    if local_name(item) != "item" or fields["post_type"] not in types:
        return None
    creators = [text_of(child).strip() for child in item if local_name(child) == "creator"]
    return {
        "location": f"{path} post {fields['post_id'] or '?'} (line {item.sourceline})",
        "fields": fields,
        "authors": [literal(site.authors.get(name, name)) for name in creators if name],
        "terms": [
            (child.get("domain", ""), child.get("nicename", ""), text_of(child).strip())
            for child in item
            if local_name(child) == "category"
        ],
        "image": site.pictures.get(meta["_thumbnail_id"]),
        "robots": "noindex"
        if any(meta[key] and word in meta[key] for key, word in _NOINDEX.items())
        else "",
        "expires": meta["_expiration-date"],
        "language": site.language,
    }


def _record(location: str, post: Mapping[str, Any]) -> Record:
    fields = post["fields"]
    content = _SHORTCODE.sub(" ", _BLOCK.sub("<br>", fields["encoded"]))
    closed = set(_CLOSING.findall(content))
    content = _BARE.sub(lambda found: " " if found[1] in closed else found[0], content)
    terms = {domain: name for domain, name, _ in post["terms"]}
    gmt, local, published = (
        "" if fields[name].startswith("0000-00-00") or "-0001" in fields[name] else fields[name]
        for name in ("post_date_gmt", "post_date", "pubDate")
    )
    number, status = fields["post_id"], fields["status"]
    values = {
        "title": fields["title"],
        "id": int(number) if number.isdecimal() else number,
        "slug": fields["post_name"],
        "url": fields["link"],
        "aliases": [fields["guid"]],
        "excerpt": fields["excerpt"],
        "date": local or gmt or published,
        "language": terms.get("language") or post["language"],
        "translation_key": terms.get("post_translations"),
        "tags": [
            name
            for domain, nicename, name in post["terms"]
            if domain in ("category", "post_tag", "tag") and name and nicename != "uncategorized"
        ],
        "authors": post["authors"],
        "image": post["image"],
        "status": "private" if fields["post_password"] else status or "unknown",
        "visible_from": (gmt and f"{gmt}Z") or published if status == "future" else None,
        "visible_until": int(end) if (end := post["expires"]).isdecimal() else end,
        "robots": post["robots"],
    }
    return html_record(location, _BLANK_LINES.sub("<br>", content), values)
