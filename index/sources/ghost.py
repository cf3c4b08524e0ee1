"""Reads Ghost exports: the JSON file that Settings, Export content in Ghost writes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.html_texts import read_html_text
from index.sources.json_stream import ELEMENT, Path, stream_elements
from index.sources.jsonl_source import json_object
from index.sources.markup import MarkupError
from index.sources.page_folder import literal
from index.sources.parser_process import parse_record
from index.sources.regular_file import file_errors, open_unpacked
from index.sources.source import PathSource, SplitSource, read_record
from recommender.errors import SettingError

_TABLES = {"tags", "posts_tags", "users", "posts_authors", "posts_meta", "settings"}
_PLACES = ((), ("db", ELEMENT))
_SITE = "__GHOST_URL__"
_STATUSES = {"published": "published", "scheduled": "scheduled", "draft": "draft"}
_ROBOTS = re.compile(r"""<meta[^>]{0,200}\bname\s*=\s*["']?robots\b[^>]{0,200}""", re.IGNORECASE)
_PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GhostSource(PathSource, SplitSource):
    """A Ghost export, gzipped or not.

    Of a post for members or paying members only what Ghost shows everyone is read: title, excerpt,
    picture, tags and authors, and no text. Drafts and posts that were only sent by mail stay
    invisible, and a scheduled post appears at its instant.

    Attributes:
        path: The file.
        site: The site's address (``"https://example.org"``); without it, links and pictures are
            relative to the site.
        permalink: The address of a post as the site's ``routes.yaml`` has it, with ``{slug}``,
            ``{id}``, ``{year}``, ``{month}``, ``{day}``, ``{primary_tag}`` or ``{primary_author}``.
        types: What is read: ``"post"``, ``"page"`` or both.
    """

    site: str = ""
    permalink: str = "/{slug}/"
    types: tuple[str, ...] = ("post", "page")

    def __post_init__(self) -> None:
        if self.site and not self.site.startswith(("http://", "https://")):
            raise SettingError(f"site {self.site!r} must begin with https:// or http://")
        known = {"slug", "id", "year", "month", "day", "primary_tag", "primary_author"}
        unknown = set(_PART.findall(self.permalink)) - known
        if unknown or not self.permalink.startswith("/"):
            raise SettingError(
                f"permalink {self.permalink!r} must begin with / and may hold "
                f"{', '.join(f'{{{name}}}' for name in sorted(known))}"
            )

    def split(self) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
        """Returns the posts with their tags and authors, and the function that parses one."""
        return self._posts(), _parsed

    def _posts(self) -> Iterator[Record | RecordProblem]:
        with file_errors(self.path, "a Ghost export (.json)"):
            site = _GhostSite(self.path)
            found = False
            for item in _rows(self.path, {"posts"}):
                found = True
                if isinstance(item, RecordProblem):
                    yield item
                elif _type(item.values) in self.types:
                    yield read_record(item.location, self._joined, item.values, site)
        if not found:
            raise SourceError(
                f"{self.path} is no Ghost export: it holds no posts in db[0].data or data; read "
                'other JSON with kind = "json"'
            )

    def _joined(self, location: str, post: Mapping[str, Any], site: _GhostSite) -> Record:
        """Returns a post with what other tables of the export say of it."""
        key = _text(post, "id")
        tags = [site.tags[tag] for tag in site.post_tags[key] if tag in site.tags]
        authors = site.post_authors[key] or [_text(post, "author_id")]
        people = [site.users[person] for person in authors if person in site.users]
        date = _text(post, "published_at")
        parts = {
            "slug": _text(post, "slug"),
            "id": key,
            **dict(zip(("year", "month", "day"), date[:10].split("-"), strict=False)),
            "primary_tag": tags[0][1] if tags else "all",
            "primary_author": people[0][1] if people else "all",
        }
        pattern = "/{slug}/" if _type(post) == "page" else self.permalink
        own = self.site.rstrip("/") + _PART.sub(lambda part: parts.get(part[1], ""), pattern)
        joined = {
            **{name: post.get(name) for name in _READ},
            "own": own if parts["slug"] else "",
            "site": self.site.rstrip("/"),
            "tags": [name for name, _ in tags],
            "authors": [name for name, _ in people],
            "words": site.words.get(key, ""),
            "language": site.language,
        }
        return Record(location=location, values=joined)


_READ = (
    *("id", "slug", "title", "html", "plaintext", "lexical", "mobiledoc", "feature_image"),
    *("status", "visibility", "password", "custom_excerpt", "canonical_url", "published_at"),
    *("codeinjection_head", "email_only"),
)


class _GhostSite:
    """What an export says in tables of their own: tags, authors, words of pictures, language."""

    def __init__(self, path: str) -> None:
        self.tags: dict[str, tuple[str, str]] = {}
        self.users: dict[str, tuple[str, str]] = {}
        self.post_tags: defaultdict[str, list[str]] = defaultdict(list)
        self.post_authors: defaultdict[str, list[str]] = defaultdict(list)
        self.words: dict[str, str] = {}
        self.language = ""
        for row in _rows(path, _TABLES):
            if isinstance(row, Record):
                self._learn(row.location, row.values)

    def _learn(self, table: str, row: Mapping[str, Any]) -> None:
        key, name, post = _text(row, "id"), _text(row, "name"), _text(row, "post_id")
        if table == "tags":
            if row.get("visibility") != "internal" and not name.startswith("#"):
                self.tags[key] = name, _text(row, "slug")
        elif table == "users":
            self.users[key] = name, _text(row, "slug")
        elif table == "posts_tags":
            self.post_tags[post].append(_text(row, "tag_id"))
        elif table == "posts_authors":
            self.post_authors[post].append(_text(row, "author_id"))
        elif table == "posts_meta" and (words := _text(row, "feature_image_alt")):
            self.words[post] = words
        elif table == "settings" and row.get("key") in ("locale", "lang", "default_locale"):
            self.language = self.language or _text(row, "value")


def _rows(path: str, tables: set[str]) -> Iterator[Record | RecordProblem]:
    """Yields the rows of some tables; the location of one that is no post is its table's name."""

    def wanted(place: Path) -> bool:
        return place[-2:-1] == ("data",) and place[:-2] in _PLACES and place[-1] in tables

    with open_unpacked(path) as file:
        for element in stream_elements(file, path, wanted):
            table = element.path[-1]
            where = f"{path} post {element.number} (line {element.line})"
            location = where if table == "posts" else table
            yield read_record(location, json_object, element.content)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _type(post: Mapping[str, Any]) -> str:
    return "page" if post.get("page") in (True, 1) else _text(post, "type") or "post"


def _parsed(post: Record | RecordProblem) -> Record | RecordProblem:
    if isinstance(post, RecordProblem):
        return post
    return parse_record(post.location, _record, post.location, post.values)


def _record(location: str, post: Mapping[str, Any]) -> Record | RecordProblem:
    own, canonical = post["own"], _text(post, "canonical_url").replace(_SITE, post["site"])
    url = canonical or own
    public = post.get("visibility") in (None, "", "public")
    html = _text(post, "html").replace(_SITE, post["site"])
    if not html.strip():
        html = literal(_text(post, "plaintext")).replace("\n", "<br>")
    if public and not html.strip() and (post.get("lexical") or post.get("mobiledoc")):
        return RecordProblem(
            location=location,
            field="html",
            reason="no-html",
            message="the post holds neither html nor plaintext, only the editor's own format: open "
            "and save it in Ghost, and export again",
        )
    try:
        text = read_html_text(html if public else "", url, literal(_text(post, "title")))
    except MarkupError as error:
        return RecordProblem(
            location=location, field="html", reason="invalid-html", message=str(error)
        )
    image = _text(post, "feature_image").replace(_SITE, post["site"])
    status = _STATUSES.get(_text(post, "status"), "private")
    if post.get("password") or post.get("email_only") in (True, 1):
        status = "private"
    values = {
        **text,
        "id": _text(post, "id") or _text(post, "slug"),
        "slug": _text(post, "slug"),
        "url": url,
        "aliases": [own] if own != url else None,
        "excerpt": literal(_text(post, "custom_excerpt")),
        "image": {"src": image, "alt": literal(post["words"])} if image else None,
        "date": post.get("published_at"),
        "status": status,
        "visible_from": post.get("published_at") if status == "scheduled" else None,
        "language": post["language"],
        "tags": [literal(name) for name in post["tags"] if name],
        "authors": [literal(name) for name in post["authors"] if name],
        "robots": " ".join(_ROBOTS.findall(_text(post, "codeinjection_head"))),
    }
    return Record(
        location=location, values={name: value for name, value in values.items() if value}
    )
