"""Reads Ghost exports: the JSON file that Settings, Export content in Ghost writes."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

from index.articles.cleaning import literal
from index.articles.foreign_dates import DateReader, find_zone
from index.articles.record import Record, RecordProblem, SourceItem, short
from index.articles.urls import split_url
from index.errors import RecordError, SourceError, raised_as
from index.sources.html_texts import html_record
from index.sources.json_stream import ELEMENT, ElementStream, Path
from index.sources.jsonl_source import json_object
from index.sources.markup import MarkupError, parse_html, select, text_of
from index.sources.page_refusal import leads_away
from index.sources.parser_process import parse_record
from index.sources.regular_file import file_errors, open_unpacked
from index.sources.source import PathSource, read_record
from recommender.errors import SettingError

_JOINS = {"posts_tags": "tag_id", "posts_authors": "author_id"}
_PLACES = ((), ("db", ELEMENT))
_SITE = "__GHOST_URL__"
_GATED = re.compile(r"(?s)<!--kg-gated-block:begin[^>]*nonMember:\s*false.*?kg-gated-block:end-->")
_PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GhostSource(PathSource):
    """A Ghost export, gzipped or not.

    Of a post for members or paying members, only what Ghost shows everyone is read: title, excerpt,
    picture, tags and authors, but no text. Drafts and posts that were only sent by mail stay
    invisible, and a scheduled post appears at its time.

    Attributes:
        path: The file.
        site: The site's address (``"https://example.org"``); without it, links and pictures are
            relative to the site.
        permalink: The pattern of posts' addresses from the site's ``routes.yaml``, with ``{slug}``,
            ``{id}``, ``{year}``, ``{month}``, ``{day}``, ``{primary_tag}`` or ``{primary_author}``.
        types: What is read: ``"post"``, ``"page"`` or both.
    """

    site: str = ""
    permalink: str = "/{slug}/"
    types: tuple[str, ...] = ("post", "page")

    def __post_init__(self) -> None:
        if self.site and not self.site.startswith(("http://", "https://")):
            raise SettingError(f"site {self.site!r} must begin with https:// or http://")
        known = ["slug", "id", "year", "month", "day", "primary_tag", "primary_author"]
        if not self.permalink.startswith("/") or {*_PART.findall(self.permalink)} - {*known}:
            raise SettingError(
                f"permalink {self.permalink!r} must begin with / and may hold, in braces, "
                f"{', '.join(known)}"
            )

    def records(self) -> Iterator[SourceItem]:
        """Yields one record for each post, or a problem for one that can't be read."""
        found, options = False, (self.site.rstrip("/"), self.permalink)
        with file_errors(self.path, "a Ghost export (.json)"):
            site = _GhostSite(self.path)
            for item in _rows(self.path, {"posts"}):
                found = True
                if isinstance(item, RecordProblem):
                    yield item
                elif _type(item.values) in self.types:
                    post = site.joined(item.values)
                    yield parse_record(item.location, _record, post, *options)
        if not found:
            raise SourceError(
                f"{self.path} is no Ghost export: it holds no posts in db[0].data or data; read "
                'other JSON with kind = "json"'
            )


class _GhostSite:
    """What an export says in tables of their own: tags, authors, words of pictures, language."""

    def __init__(self, path: str) -> None:
        self.named: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.joins: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        self.words: dict[str, str] = {}
        self.only_mailed: set[str] = set()
        self.language = self.timezone = ""
        for row in _rows(path, {"tags", "users", *_JOINS, "posts_meta", "settings"}):
            if isinstance(row, Record):
                self._learn(row.location, row.values)

    def _learn(self, table: str, row: Mapping[str, Any]) -> None:
        post = _text(row, "post_id")
        if table in _JOINS:
            order = row.get("sort_order")
            place = order if isinstance(order, int) else 0
            self.joins[table, post].append((place, _text(row, _JOINS[table])))
        elif table == "posts_meta":
            self.words[post] = _text(row, "feature_image_alt")
            if row.get("email_only"):
                self.only_mailed.add(post)
        elif table == "settings":
            if row.get("key") in ("locale", "lang", "default_locale"):
                self.language = self.language or _text(row, "value")
            elif row.get("key") in ("timezone", "active_timezone"):
                self.timezone = _text(row, "value")
        else:
            self.named[table, _text(row, "id")] = row

    def joined(self, post: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a post with what the other tables say of it."""
        key = _text(post, "id")
        tags, authors = (
            [one for _, one in sorted(self.joins[table, key], key=itemgetter(0))]
            for table in ("posts_tags", "posts_authors")
        )
        authors = authors or [_text(post, "author_id")]
        return {
            **post,
            "tags": _names([self.named.get(("tags", one)) for one in tags]),
            "authors": _names([self.named.get(("users", one)) for one in authors]),
            "words": self.words.get(key, ""),
            "email_only": post.get("email_only") or key in self.only_mailed,
            "language": _text(post, "locale") or self.language,
            "timezone": self.timezone,
        }


def read_webhook(
    location: str, payload: Mapping[str, Any], timezone: str = ""
) -> tuple[str, SourceItem | None]:
    """Reads what one of Ghost's webhooks says about a post or page.

    Args:
        location: Where the request came from, for messages.
        payload: The body of the request that Ghost sends.
        timezone: The site's time zone, such as ``Europe/Berlin``, in which a post has its day.

    Returns:
        The post's id; and its record, or a problem if it can't be read. The latter is ``None`` if
        the post was deleted, or if it can't be read but is not published anyway.

    Raises:
        RecordError: If the request is about neither a post nor a page.
    """
    kind = next((name for name in ("post", "page") if isinstance(payload.get(name), Mapping)), "")
    post, before = (
        value if isinstance(value := payload.get(kind, {}).get(name), Mapping) else {}
        for name in ("current", "previous")
    )
    if not (key := _text(post, "id") or _text(before, "id")):
        raise RecordError(
            "not-an-article",
            f"the request holds no post or page with an id, but {short(list(payload))}: in Ghost, "
            "choose events such as post.published, post.published.edited and post.unpublished",
        )
    if not _text(post, "id"):
        return key, None
    url, slug = _text(post, "url"), _text(post, "slug")
    joined = {
        **post,
        "type": kind,
        "tags": _names(post.get("tags")),
        "authors": _names(post.get("authors")),
        "words": _text(post, "feature_image_alt"),
        "email_only": post.get("email_only"),
        "language": "",
        "timezone": timezone,
    }
    parts = split_url(url)
    site = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    if kind == "page" and url.endswith(f"/{slug}/"):  # as of all pages; Ghost may be in a folder
        site = url.removesuffix(f"/{slug}/")
    item = parse_record(location, _record, joined, site, url or "/{slug}/")
    shown = _text(post, "status") in ("published", "scheduled")
    return key, item if shown or isinstance(item, Record) else None


def _names(people: Any) -> list[tuple[str, str]]:
    """Returns name and slug of each tag or author, without those that only the site's staff see."""
    found = [one for one in people if isinstance(one, Mapping)] if isinstance(people, list) else []
    return [
        (name, _text(one, "slug"))
        for one in found
        if (name := _text(one, "name"))[:1] != "#" and one.get("visibility") != "internal"
    ]


def _rows(path: str, tables: Set[str]) -> Iterator[SourceItem]:
    """Yields the rows of some tables; the location of one that is no post is its table's name."""

    def wanted(place: Path) -> bool:
        return place[-2:-1] == ("data",) and place[:-2] in _PLACES and place[-1] in tables

    with open_unpacked(path) as file:
        for element in ElementStream(file, path, wanted):
            table = element.path[-1]
            where = f"{path} post {element.number} (line {element.line})"
            yield read_record(where if table == "posts" else table, json_object, element.content)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _type(post: Mapping[str, Any]) -> str:
    return "page" if post.get("page") in (True, 1) else _text(post, "type") or "post"


def _record(location: str, post: Mapping[str, Any], site: str, permalink: str) -> Record:
    own = permalink
    if "://" not in permalink:
        own = site + _own_path(post, "/{slug}/" if _type(post) == "page" else permalink)
    own = own if _text(post, "slug") else ""
    canonical, image, html = (
        _text(post, name).replace(_SITE, site)
        for name in ("canonical_url", "feature_image", "html")
    )
    public = post.get("visibility") in (None, "", "public")
    html = html if html.strip() else literal(_text(post, "plaintext")).replace("\n", "<br>")
    if public and not html.strip() and (post.get("lexical") or post.get("mobiledoc")):
        raise RecordError(
            "no-html",
            "the post holds neither html nor plaintext, only the editor's own format: open and "
            "save it in Ghost, and export again",
            field="html",
        )
    injected = _text(post, "codeinjection_head") + _text(post, "codeinjection_foot")
    with raised_as(partial(RecordError, "invalid-html"), "code injection: ", MarkupError):
        root = parse_html(f"<p>{injected}")
        metas = [dict(meta.attrib) for meta in select(root, "meta")]
        if any(leads_away(text_of(script)) for script in select(root, "script:not([src])")):
            metas.append({"http-equiv": "refresh", "content": "by a script"})
    status, date = _text(post, "status"), post.get("published_at")
    hidden = post.get("password") or post["email_only"]
    if hidden or status not in ("published", "scheduled", "draft"):
        status = "private"
    values = {
        "title": literal(_text(post, "title")),
        "id": _text(post, "id") or _text(post, "slug"),
        "slug": _text(post, "slug"),
        "url": canonical or own,
        "aliases": [own],
        "excerpt": literal(_text(post, "custom_excerpt")),
        "image": {"src": image, "alt": literal(post["words"])} if image else None,
        "date": _day(post),
        "updated": post.get("updated_at"),
        "status": status,
        "visible_from": date if status == "scheduled" else None,
        "language": post["language"],
        "tags": [literal(name) for name, _ in post["tags"] if name],
        "authors": [literal(name) for name, _ in post["authors"] if name],
        "metas": metas,
    }
    return html_record(location, _GATED.sub("", html) if public else "", values)


def _day(post: Mapping[str, Any]) -> Any:
    """Returns the day on which a post was published, in the site's time zone, as JSON holds it."""
    given, zone = post.get("published_at"), find_zone(post["timezone"]) or dt.UTC
    moment = DateReader().find_instant(given)
    with suppress(OverflowError):
        return moment.astimezone(zone).date().isoformat() if moment else given
    return given


def _own_path(post: Mapping[str, Any], permalink: str) -> str:
    """Returns where a post stands on the site."""
    day = _day(post)
    parts = {
        "slug": _text(post, "slug"),
        "id": _text(post, "id"),
        **dict(zip(("year", "month", "day"), str(day or "").split("-"), strict=False)),
        "primary_tag": post["tags"][0][1] if post["tags"] else "all",
        "primary_author": post["authors"][0][1] if post["authors"] else "all",
    }
    return _PART.sub(lambda part: parts.get(part[1], ""), permalink)
