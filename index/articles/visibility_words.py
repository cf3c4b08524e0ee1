"""What a page says of its own visibility, in the words of all generators and systems.

This is the one place that judges such words, for every source. Visibility fails closed: a page
that says it is not to be listed is hidden, and so is one whose word is not understood.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from index.articles.record import short
from recommender.article import Status

_STATUSES = {
    **dict.fromkeys(("", "published", "publish", "public", "live"), Status.PUBLISHED),
    **dict.fromkeys(("scheduled", "future"), Status.PUBLISHED),
    **dict.fromkeys(("draft", "pending"), Status.DRAFT),
    **dict.fromkeys(("hidden", "private", "archived", "unpublished", "trash"), Status.HIDDEN),
    **dict.fromkeys(("unlisted", "deleted", "noindex"), Status.HIDDEN),
}
SCHEDULED = ("scheduled", "future")
"""The statuses that need a time from which the article is visible."""

_HIDES_IF_TRUE = {
    **dict.fromkeys(("draft", "isdraft"), Status.DRAFT),
    **dict.fromkeys(("unlisted", "hidden", "hide", "private", "headless"), Status.HIDDEN),
    **dict.fromkeys(("noindex", "donotindex", "robotsnoindex", "searchnoindex"), Status.HIDDEN),
    **dict.fromkeys(("archived", "unpublished", "deleted"), Status.HIDDEN),
    **dict.fromkeys(("eleventyexcludefromcollections", "sitemapexclude"), Status.HIDDEN),
}
_HIDES_IF_FALSE = {
    **dict.fromkeys(("published", "publish", "public", "listed", "visible"), Status.HIDDEN),
    **dict.fromkeys(("sitemap", "indexable", "index", "render", "permalink"), Status.HIDDEN),
}
_MAY_BE_OTHER = (
    "sitemap",
    "index",
    "render",
    "public",
    "permalink",
)
_MAY_BE_DATE = ("published", "publish")
_REDIRECTS = ("redirect", "redirectto", "redirecturl", "redirectlink")
_ROBOTS = ("robots", "googlebot", "metarobots", "xrobotstag")
_TAGS = ("head", "meta", "metas")
_WITHIN = (*_TAGS, "extra", "params", "seo", "metadata")
_OPTIONS = {"list": ("always", "true", "local"), "render": ("always", "true")}
_HIDING_VISIBILITY = ("private", "hidden", "unlisted", "draft", "none", "password")
_NAMES = frozenset(
    (*_HIDES_IF_TRUE, *_HIDES_IF_FALSE, *_REDIRECTS, *_ROBOTS, *_WITHIN, "build", "visibility")
)
_TRUE = ("true", "yes", "y", "on", "1", "t")
_FALSE = ("false", "no", "n", "off", "0", "f")
_NOT_INDEXED = re.compile(r"(?<!-preview:)(?<!-preview: )\b(noindex|none)\b", re.IGNORECASE)
_YEAR = re.compile(r"(\b|[A-Za-z])\d{4}(\b|T)|^\d{10,}$")


@dataclass(frozen=True, slots=True)
class HidingWord:
    """A word of a record that hides its article.

    Attributes:
        field: The field that holds it.
        status: The article's status because of it.
        unknown: The message that the word is not understood; empty if it is.
    """

    field: str
    status: Status
    unknown: str = ""


def find_hiding_word(values: Mapping[str, Any], status: Any) -> HidingWord | None:
    """Returns what hides a record's article; ``None`` if it may be shown.

    Args:
        values: All values of the record, by the source's names.
        status: The value of the record's field ``status``.
    """
    word = status.strip().casefold() if isinstance(status, str) else status
    known = _STATUSES.get(word or "") if word is None or isinstance(word, str) else None
    if known is None:
        return _unknown("status", status)
    found = [HidingWord("status", known)] if known is not Status.PUBLISHED else []
    found += _hiding_words(values, "")
    # Words that are understood go first, and drafts before what is hidden for good.
    order = sorted(found, key=lambda one: (bool(one.unknown), one.status is not Status.DRAFT))
    return order[0] if order else None


def is_visibility_name(name: str) -> bool:
    """Tells whether a field's name is one that :func:`find_hiding_word` reads."""
    return _plain(name) in _NAMES


def _unknown(name: str, value: Any) -> HidingWord:
    return HidingWord(name, Status.HIDDEN, f"{name} {short(value)} is unknown: kept hidden")


def _hiding_words(values: Mapping[str, Any], prefix: str) -> Iterator[HidingWord]:
    for name, value in values.items():
        plain = _plain(name)
        if plain not in _NAMES or value in (None, "", [], {}):
            continue
        if plain == "index" and not prefix:
            continue  # a row's number; only within "seo" and the like is it said to robots
        if plain in _HIDES_IF_TRUE or plain in _HIDES_IF_FALSE:
            yield from _judge(plain, prefix + name, value)
        elif plain in _WITHIN:
            if isinstance(value, Mapping) and not prefix:
                yield from _hiding_words(value, f"{name}.")
            if plain in _TAGS and _has_robots_tag(value, 3):
                yield HidingWord(prefix + name, Status.HIDDEN)
        elif plain == "build":
            yield from _build_options(prefix + name, value)
        elif (
            (plain in _ROBOTS and _NOT_INDEXED.search(str(value)[:1000]))
            or (plain in _REDIRECTS and _truth(value) is not False)
            or (plain == "visibility" and str(value)[:40].casefold() in _HIDING_VISIBILITY)
        ):
            yield HidingWord(prefix + name, Status.HIDDEN)


def _judge(plain: str, name: str, value: Any) -> Iterator[HidingWord]:
    truth = _truth(value)
    if isinstance(value, Mapping):  # sitemap: {exclude: true}
        if any(_truth(value.get(key)) for key in ("disable", "exclude", "ignore", "noindex")):
            yield HidingWord(name, Status.HIDDEN)
    elif truth is not None:
        if truth == (plain in _HIDES_IF_TRUE):
            yield HidingWord(name, (_HIDES_IF_TRUE if truth else _HIDES_IF_FALSE)[plain])
    elif not (plain in _MAY_BE_OTHER or (plain in _MAY_BE_DATE and _is_date(value))):
        yield _unknown(name, value)


def _build_options(name: str, value: Any) -> Iterator[HidingWord]:
    """Yields what Hugo's options of building a page say against showing it."""
    for option, shown in _OPTIONS.items():
        word = value.get(option) if isinstance(value, Mapping) else None
        if word is not None and str(word)[:20].casefold() not in shown:
            yield HidingWord(f"{name}.{option}", Status.HIDDEN)


def _has_robots_tag(value: Any, depth: int) -> bool:
    """Tells whether tags for a page's head keep robots from listing the page."""
    if isinstance(value, Mapping):
        if _plain(str(value.get("name"))) in _ROBOTS:
            return bool(_NOT_INDEXED.search(str(value.get("content"))[:1000]))
        value = list(value.values())
    return (
        isinstance(value, list)
        and depth > 0
        and any(_has_robots_tag(item, depth - 1) for item in value[:100])
    )


def _truth(value: Any) -> bool | None:
    """Returns a yes or no in any letter case and type; ``None`` for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value[:20].strip().casefold() if isinstance(value, str) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def _is_date(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_YEAR.search(value[:100].strip()))
    return isinstance(value, dt.date) or (isinstance(value, int | float) and abs(value) >= 1e8)


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """Returns a field's name in one spelling: noIndex, no_index and no-index are one name."""
    return name[:40].casefold().replace("_", "").replace("-", "").replace(" ", "")
