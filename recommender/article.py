"""The article: one page of a site, as the rest of the code sees it."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from recommender.errors import ArticleError

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
