"""The article: one page of a site, and how plain dictionaries become articles."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.errors import ArticleError, InputError

MAX_ID_BYTES = 512
"""Longest article id in UTF-8 bytes: a DOI, a slug or a whole path fits."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode's category Cc, whole."""


class Status(enum.StrEnum):
    """What the site says of a page; only ``published`` can ever be shown."""

    PUBLISHED = "published"
    DRAFT = "draft"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of an article's text under an optional heading."""

    text: str
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A card's picture: where it lies and what it shows in words."""

    src: str
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One page of a site.

    Attributes:
        id: The site's own string, any UTF-8 up to 512 bytes; see :func:`check_id`.
        title: Never empty.
        url: Absolute (http, https) or relative to the site (``/path``).
        sections: The text in reading order; empty for a title alone.
        excerpt: The site's own teaser, unshortened; ``None`` lets one be made.
        image: The card's picture, if any.
        date: Shown on the card. May lie in the future; never decides visibility.
        status: Only ``published`` articles can be shown.
        visible_from: Aware instant before which the article is not shown.
        visible_until: Aware instant from which it is no longer shown.
        supersedes: Id of the older version of this same piece.
        language: BCP 47 tag, lower case (``"en"``, ``"pt-br"``); ``None`` if unknown.
        tags: The site's own labels.
        ratings: The site's own figures (``credibility``, ``interest``).
        authors: Names as printed.

    Raises:
        ArticleError: If the id, the title or a time breaks the rules above.
    """

    id: str
    title: str
    url: str
    sections: tuple[Section, ...] = ()
    excerpt: str | None = None
    image: Image | None = None
    date: dt.date | None = None
    status: Status = Status.PUBLISHED
    visible_from: dt.datetime | None = None
    visible_until: dt.datetime | None = None
    supersedes: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    ratings: Mapping[str, float] = field(default_factory=dict)
    authors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_id(self.id)
        if not self.title.strip():
            raise ArticleError("title", "missing", f"article {self.id!r} has an empty title")
        for name in ("visible_from", "visible_until"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                raise ArticleError(
                    name, "no-zone", f"article {self.id!r}: {name} {instant} has no time zone"
                )

    @property
    def has_text(self) -> bool:
        """Whether there is anything beside the title."""
        return any(section.text.strip() for section in self.sections)


def check_id(article_id: str, *, field: str = "id") -> str:
    """Return ``article_id`` unchanged if it can be an article's id.

    Any text is fine (slashes, spaces, any script) but control characters, lone
    surrogates, white space at either end, and ``.`` or ``..``, which browsers and
    proxies rewrite when they stand as a path segment.

    Raises:
        ArticleError: Naming what is wrong with it.
    """
    if not article_id:
        raise ArticleError(field, "missing", f"{field} is empty")
    try:
        size = len(article_id.encode())
    except UnicodeEncodeError:
        raise ArticleError(
            field, "invalid", f"{field} {article_id!r} is not valid Unicode"
        ) from None
    if size > MAX_ID_BYTES:
        raise ArticleError(
            field,
            "too-long",
            f"{field} {article_id[:40]!r}… has {size} bytes; at most {MAX_ID_BYTES} are allowed",
        )
    if article_id in (".", ".."):
        raise ArticleError(field, "invalid", f"{field} {article_id!r} can't stand in a URL")
    if article_id != article_id.strip():
        raise ArticleError(field, "invalid", f"{field} {article_id!r} has white space at its ends")
    if _CONTROL.search(article_id):
        raise ArticleError(field, "invalid", f"{field} {article_id!r} holds a control character")
    return article_id


_TEXT_FIELDS = ("text", "summary")
_RECORD_FIELDS = {field.name for field in dataclasses.fields(Article)} | set(_TEXT_FIELDS)
_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "title", "url", *_TEXT_FIELDS), (str,)),
    **dict.fromkeys(("excerpt", "language", "supersedes"), (str, type(None))),
    **dict.fromkeys(("visible_from", "visible_until"), (dt.datetime, type(None))),
    "date": (dt.date, str, type(None)),
    "tags": (list, tuple),
    "authors": (list, tuple),
    "ratings": (dict,),
}


def to_articles(records: Iterable[Article | Mapping[str, Any]]) -> list[Article]:
    """Articles from dictionaries, as a notebook holds them, in the order of their ids.

    Args:
        records: Articles, or mappings with ``id`` and ``title``, and optionally ``text`` (or
            ``summary``) and the other fields of :class:`Article`. Sections may be
            ``(heading, text)`` pairs.

    Raises:
        ArticleError: If a record breaks a rule of :class:`Article`, has an unknown field, or
            repeats an id.
        InputError: If ``records`` is not a list of records.
    """
    if isinstance(records, Mapping | str):
        raise InputError(f"a list of articles is needed, not one {type(records).__name__}")
    articles: dict[str, Article] = {}
    for record in records:
        article = record if isinstance(record, Article) else _to_article(record)
        if article.id in articles:
            raise ArticleError("id", "duplicate", f"id {article.id!r} occurs twice")
        articles[article.id] = article
    return [articles[article_id] for article_id in sorted(articles)]


def _to_article(record: Mapping[str, Any]) -> Article:
    if not isinstance(record, Mapping):
        raise InputError(f"an article is a dictionary with id, title and text, not {record!r:.60}")
    values = dict(record)
    unknown = sorted(map(str, values.keys() - _RECORD_FIELDS))
    if unknown:
        raise ArticleError(
            unknown[0],
            "unknown",
            f"an article has no field {unknown[0]!r}; it has {', '.join(sorted(_RECORD_FIELDS))}",
        )
    values = {"id": None, "title": None, "url": "", **values}
    sections = tuple(map(_to_section, values.pop("sections", ())))
    for name, types in _TYPES.items():
        if name in values and not isinstance(values[name], types):
            wanted = " or ".join(type_.__name__ for type_ in types)
            raise ArticleError(
                name,
                "invalid",
                f"article {values['id']!r}: {name} {values[name]!r:.60} is of type "
                f"{type(values[name]).__name__}, not {wanted}",
            )
    for name in _TEXT_FIELDS:
        text = values.pop(name, "")
        sections += (Section(text=text),) if text else ()
    try:
        values["status"] = Status(values.get("status", Status.PUBLISHED))
        if isinstance(values.get("date"), str):
            values["date"] = dt.date.fromisoformat(values["date"])
    except ValueError as error:
        name = "date" if "isoformat" in str(error) else "status"
        raise ArticleError(name, "invalid", f"article {values['id']!r}: {error}") from None
    return Article(**values, sections=sections)


def _to_section(value: Section | tuple[str, str]) -> Section:
    return value if isinstance(value, Section) else Section(heading=value[0], text=value[1])
