"""Checks a source by its first records: which fields were filled, and what was not read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from index.articles.parse import FIELDS, FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, describe
from index.errors import SourceError
from index.sources.configured_source import ConfiguredSource
from index.sources.source import Source
from recommender.article import Article
from recommender.errors import one_line

_EXAMPLE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCheck:
    """How one field of the articles was filled.

    Attributes:
        field: Our name of the field.
        theirs: The source's name of it.
        filled: How many articles have it.
        example: The first article's value, shortened.
    """

    field: str
    theirs: str
    filled: int
    example: str


@dataclass(slots=True, kw_only=True)
class SourceCheck:
    """The result of reading a source's first records.

    Attributes:
        name: The source's name.
        report: Counts and located problems.
        fields: Every field of an article, in the format's order.
        unread: Fields of the source that nothing reads, with the first text in each.
        error: Why the source can't be read at all or any further; empty if it can.
    """

    name: str
    report: ReadReport = field(default_factory=ReadReport)
    fields: list[FieldCheck] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    error: str = ""


def check_source(source: ConfiguredSource, mapping: FieldMapping, limit: int) -> SourceCheck:
    """Check the first ``limit`` records; a source that can't be read is reported, not raised."""
    check = SourceCheck(name=source.name)
    unread: dict[str, Any] = {}
    articles: list[Article] = []
    try:
        for article, _ in parse_records(_first(source, limit, unread), mapping, check.report):
            articles.append(article)
    except SourceError as error:
        check.error = str(error)
    for name in FIELDS:
        values = [value for article in articles if (value := _value(article, name))]
        theirs = source.fields.get(name, name)
        example = _short(values[0]) if values else ""
        check.fields.append(
            FieldCheck(field=name, theirs=theirs, filled=len(values), example=example)
        )
    check.unread = {_short(name): _short(value) for name, value in unread.items()}
    return check


def _first(source: Source, limit: int, unread: dict[str, Any]) -> Iterator[Record | RecordProblem]:
    """The first records of a source; fields that no article has are added to ``unread``."""
    for item in itertools.islice(source.records(), limit):
        if isinstance(item, Record):
            for name, value in item.values.items():
                if name not in FIELDS and value not in (None, "", [], {}):
                    unread.setdefault(name, value)
        yield item


def _value(article: Article, name: str) -> Any:
    if name in ("summary", "sections"):
        # One unnamed section is what a summary becomes.
        alone = [section.heading for section in article.sections] == [""]
        return article.sections if (name == "summary") == alone else None
    return getattr(article, name)


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        value = " | ".join(_short(item) for item in value)
    elif hasattr(value, "heading"):
        value = f"{value.heading}: {value.text}" if value.heading else value.text
    elif hasattr(value, "src"):
        value = value.src
    try:
        text = one_line(" ".join(str(value).split()))
    except Exception as error:  # noqa: BLE001 - a number too long to print, a list too deep
        text = describe(error)
    return text if len(text) <= _EXAMPLE else text[: _EXAMPLE - 1] + "…"
