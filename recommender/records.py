"""Articles from plain records, as a notebook holds them: dictionaries of text."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from recommender.article import Article, Section, Status
from recommender.errors import ArticleError, InputError

_FIELDS = frozenset(field.name for field in dataclasses.fields(Article))
_TEXT = ("text", "summary")
_KNOWN = _FIELDS | set(_TEXT)
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "title", "url", *_TEXT), (str,)),
    **dict.fromkeys(("excerpt", "language", "supersedes"), (str, type(None))),
    **dict.fromkeys(("visible_from", "visible_until"), (dt.datetime, type(None))),
    "date": (dt.date, str, type(None)),
    "tags": (list, tuple),
    "authors": (list, tuple),
    "ratings": (dict,),
}


def to_articles(records: Iterable[Article | Mapping[str, Any]]) -> list[Article]:
    """Articles by id, in the order of ids, as a build holds them.

    Args:
        records: Articles, or mappings with ``id``, ``title`` and, as far as there are any,
            ``text`` (or ``summary``) and the fields of :class:`~recommender.article.Article`.
            Sections may be ``(heading, text)`` pairs.

    Raises:
        ArticleError: If one can't be an article, has an unknown field, or repeats an id.
        InputError: If these are no records.
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
    unknown = sorted(map(str, values.keys() - _KNOWN))
    if unknown:
        raise ArticleError(
            unknown[0],
            "unknown",
            f"an article has no field {unknown[0]!r}; it has {', '.join(sorted(_KNOWN))}",
        )
    values = {"id": None, "title": None, "url": "", **values}
    sections = tuple(map(_to_section, values.pop("sections", ())))
    for name, kinds in _KINDS.items():
        if name in values and not isinstance(values[name], kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise ArticleError(
                name,
                "invalid",
                f"article {values['id']!r}: {name} {values[name]!r:.60} is of type "
                f"{type(values[name]).__name__}, not {wanted}",
            )
    for name in _TEXT:
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
