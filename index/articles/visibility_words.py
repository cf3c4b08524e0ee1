"""What a page says of its own visibility, in the words of all generators and systems.

This is the one place that judges such words, for every source. Visibility fails closed: a page
that says it is not to be listed is hidden, and so is one whose word is not understood.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from index.articles.date_words import DateError
from index.articles.foreign_dates import DateReader
from index.articles.record import plain_name, short, unwrapped
from recommender.article import Status

SCHEDULED = ("scheduled", "future")
"""The statuses that need a time from which the article is visible."""

_STATUSES = {
    **dict.fromkeys(("", "published", "publish", "public", "live", *SCHEDULED), Status.PUBLISHED),
    **dict.fromkeys(("new", "deprecated"), Status.PUBLISHED),  # badges of documentation sites
    **dict.fromkeys(("draft", "pending", "inreview", "review", "in_review"), Status.DRAFT),
    **dict.fromkeys(("hidden", "private", "archived", "unpublished", "trash"), Status.HIDDEN),
    **dict.fromkeys(("trashed", "unlisted", "deleted", "noindex", "inactive"), Status.HIDDEN),
}
_OTHER_STATUSES = (
    *("poststatus", "state", "publicationstate", "publishstatus", "moderationstate"),
    *("workflowstate", "workflowstatus", "entrystatus"),
)
_DRAFTS = ("draft", "isdraft")
_TIMES = ("deletedat", "archivedat", "trashedat")
_HIDES_IF_TRUE = (
    *(*_DRAFTS, "unlisted", "hidden", "hide", "private", "headless", "noindex", "donotindex"),
    *("robotsnoindex", "searchnoindex", "archived", "unpublished", "deleted", "sitemapexclude"),
    *("isunlisted", "ishidden", "isprivate", "isarchived", "isdeleted", "trashed", "istrashed"),
    *(*_TIMES, "membersonly", "paidonly", "subscribersonly", "eleventyexcludefromcollections"),
)
_MAY_BE_DATE = ("published", "publish")
_OFTEN_OTHER = ("public", "sitemap", "index", "render", "permalink", "active", "enabled")
_MAY_BE_OTHER = (*_OFTEN_OTHER, "hide")  # hide: [navigation] is of a theme
_HIDES_IF_FALSE = (
    *(*_MAY_BE_DATE, *_OFTEN_OTHER, "listed", "visible", "indexable", "ispublished"),
    *("ispublic", "islisted", "isvisible", "islive", "isactive", "isenabled"),
)
_REDIRECTS = ("redirect", "redirectto", "redirecturl", "redirectlink")
_ROBOTS = ("robots", "googlebot", "metarobots", "xrobotstag")
_TAGS = ("head", "meta", "metas")
_LAYOUTS = ("layout", "type")
_READERS = ("visibility", "access", "audience")
_PASSWORDS = ("password", "postpassword")
_WITHIN = (
    *(*_TAGS, "extra", "params", "seo", "metadata", "attributes", "fields", "frontmatter", "data"),
    *("yoast", "yoastheadjson"),
)
_FLAGS = frozenset((*_HIDES_IF_TRUE, *_HIDES_IF_FALSE))
_NAMES = _FLAGS.union(
    (*_REDIRECTS, *_ROBOTS, *_WITHIN, *_LAYOUTS, *_READERS, *_PASSWORDS, *_OTHER_STATUSES),
    ("build", "status"),
)
"""The names of fields that are read, in one spelling."""

_FROM = (
    *("visiblefrom", "publishdate", "publishat", "publishon", "publishedat", "embargo"),
    *("embargountil", "scheduledat", "scheduledfor", *_MAY_BE_DATE),
)
_UNTIL = (
    *("visibleuntil", "expirydate", "expirationdate", "expiresat", "expireson", "expires"),
    *("expiry", "unpublishdate", "unpublishat", "unpublishedat", "validuntil"),
)
_NEVER = ("never", "no", "false", "forever", "always", "unlimited", "permanent", "indefinite")
_OPTIONS = {"list": ("always", "true", "local"), "render": ("always", "true")}
_NOT_FOR_ALL = (
    *("private", "hidden", "unlisted", "draft", "none", "password", "members", "member", "paid"),
    *("tiers", "subscribers", "onlypaid", "onlysubscribers", "onlyfree", "founding", "restricted"),
)
_TRUE = ("true", "yes", "y", "on", "1", "t", "ja", "wahr", "oui", "vrai", "sí", "si", "verdadero")
_FALSE = ("false", "no", "n", "off", "0", "f", "nein", "falsch", "non", "faux", "falso")
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
    return plain_name(name) in _NAMES


def _unknown(name: str, value: Any) -> HidingWord:
    return HidingWord(name, Status.HIDDEN, f"{name} {short(value)} is unknown: kept hidden")


def _hiding_words(values: Mapping[str, Any], prefix: str) -> Iterator[HidingWord]:
    for name, given in values.items():
        plain, value = plain_name(name), unwrapped(given)
        if plain not in _NAMES or value in (None, "", [], {}) or (plain == "index" and not prefix):
            continue  # index is a row's number; only within "seo" and the like is it for robots
        if plain in _WITHIN and isinstance(value, Mapping) and not prefix:
            yield from _hiding_words(value, f"{name}.")
        if plain == "status" or plain in _OTHER_STATUSES:
            yield from _other_status(prefix + name, plain, value)
            continue
        hides = _flag_hides(plain, value) if plain in _FLAGS else _word_hides(plain, value)
        if hides is None:
            yield _unknown(prefix + name, value)
        elif hides:
            yield HidingWord(prefix + name, Status.DRAFT if plain in _DRAFTS else Status.HIDDEN)


def _other_status(name: str, plain: str, value: Any) -> Iterator[HidingWord]:
    """Yields what a status in another field than ``status`` says against showing the article.

    In a field of another name, such as ``state``, a word that is not understood is no status.
    """
    word = value.strip().casefold() if isinstance(value, str) else value
    known = _STATUSES.get(word) if isinstance(word, str) else None
    if known is None and plain == "status" and name != "status":
        yield _unknown(name, value)
    elif known not in (None, Status.PUBLISHED) and name != "status":
        yield HidingWord(name, known)


def _flag_hides(plain: str, value: Any) -> bool | None:
    """Tells whether a yes or no hides the article; ``None`` if it is not understood."""
    if plain in _TIMES:
        with suppress(DateError):  # databases write "none" in many ways, such as 0000-00-00
            return DateReader().instant(value) is not None
    if isinstance(value, Mapping) and plain not in _TIMES:  # sitemap: {exclude: true}
        return any(_truth(value.get(key)) for key in ("disable", "exclude", "ignore", "noindex"))
    truth = _truth(value)
    if truth is not None:
        return truth == (plain in _HIDES_IF_TRUE)
    is_other = plain in _MAY_BE_OTHER or (plain in _MAY_BE_DATE and _is_date(value))
    return False if is_other else None


def _word_hides(plain: str, value: Any) -> bool:
    """Tells whether what a field says in other ways hides the article."""
    if plain in _TAGS:
        return _has_robots_tag(value, 4)
    if plain in _PASSWORDS:
        return _truth(value) is not False and value not in ("NULL", r"\N")
    if plain in _LAYOUTS:
        return bool(value == "redirect")
    if plain in _ROBOTS and isinstance(value, Mapping) and _truth(value.get("index")) is False:
        return True
    if plain == "build":  # Hugo's options
        options = value if isinstance(value, Mapping) else {}
        said = [(shown, options.get(name)) for name, shown in _OPTIONS.items()]
        return any(one is not None and str(one).casefold() not in shown for shown, one in said)
    if plain in _REDIRECTS:
        return _truth(value) is not False
    word = str(value)[:1000]
    robots = plain in _ROBOTS and bool(_NOT_INDEXED.search(word))
    return robots or (plain in _READERS and plain_name(word) in _NOT_FOR_ALL)


def _has_robots_tag(value: Any, depth: int) -> bool:
    """Tells whether tags for a page's head keep robots from listing the page."""
    if isinstance(value, Mapping):
        if plain_name(str(value.get("name"))) in _ROBOTS:
            return bool(_NOT_INDEXED.search(str(value.get("content"))[:1000]))
        if plain_name(str(value.get("http-equiv"))) == "refresh":
            return True
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


def is_publication_date(name: str) -> bool:
    """Tells whether a field holds when an article was published: it may be any sort of date."""
    return plain_name(name) in (*_MAY_BE_DATE, "publishedat")


def never_ends(until: Any) -> bool:
    """Tells whether what says until when an article is visible says that it stays so."""
    return until is False or (isinstance(until, str) and plain_name(until) in _NEVER)


def other_instant(values: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """Returns what says, under another name, from or until when an article is visible.

    Args:
        values: All values of the record, by the source's names.
        name: ``visible_from`` or ``visible_until``.

    Returns:
        The source's name for the time, and its value; "" and ``None`` if there is none.
    """
    wanted = _FROM if name == "visible_from" else _UNTIL
    for given, value in values.items():
        if plain_name(given) in wanted and value not in (None, "", []) and _truth(value) is None:
            return given, value
    return "", None
