"""Checks a source by its first records: which fields they fill, and which are not read."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from index.articles.guessed_languages import find_language, settle_guesses
from index.articles.parse import FIELDS, FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, SourceItem, describe
from index.articles.updated import find_updated
from index.articles.visibility_words import is_visibility_name
from index.errors import SourceError
from index.sources.configured_source import ConfiguredSource
from recommender.article import Article, LinkKind
from recommender.errors import one_line

_EXAMPLE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCheck:
    """How often one article field is filled, and from which source field.

    Attributes:
        field: AlsoLike's name for the field.
        theirs: The source's name for the field.
        filled: Number of articles that have the field.
        example: The field's value in the first article that has one, shortened.
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
        report: Counts of records, and problems with their locations.
        fields: A check of every article field, in the order of the article format.
        unread: The source fields that are not read, with the first value of each.
        remarks: Sentences for people on how the source is read.
        error: Why the source could not be read, or not to the end; empty if it could.
        whole: Whether the source has no further records.
    """

    name: str
    report: ReadReport = field(default_factory=ReadReport)
    fields: list[FieldCheck] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    error: str = ""
    whole: bool = True


def check_source(source: ConfiguredSource, mapping: FieldMapping, limit: int) -> SourceCheck:
    """Reads a source's first ``limit`` records; says which fields they fill, and what is wrong.

    If the source can't be read, no error is raised: the result says why.
    """
    check = SourceCheck(name=source.name)
    unread: dict[str, Any] = {}
    articles: list[Article] = []
    updated: list[Any] = []
    try:
        check.remarks = source.remarks
        records = _first(source, limit, unread, check)
        for article, record in parse_records(records, mapping, check.report):
            articles.append(article)
            updated.append(find_updated(record.values)[1])
    except SourceError as error:
        check.error = str(error)
    if mapping.guess_language:
        articles = _with_guesses(articles, check.report)
    for name in FIELDS:
        said = updated if name == "updated" else [_value(article, name) for article in articles]
        values = [value for value in said if value]
        theirs = source.fields.get(name, name)
        example = _short(values[0]) if values else ""
        check.fields.append(
            FieldCheck(field=name, theirs=theirs, filled=len(values), example=example)
        )
    check.unread = {_short(name): _short(value) for name, value in unread.items()}
    return check


def _with_guesses(articles: list[Article], report: ReadReport) -> list[Article]:
    """Gives articles of unknown language the one that a build of these alone would guess."""
    found = [find_language(article) for article in articles]
    settled = settle_guesses(Counter(found))
    report.count_guesses(sum(bool(settled.get(guess)) for guess in found))
    return [
        replace(article, language=settled.get(guess) or article.language)
        for article, guess in zip(articles, found, strict=True)
    ]


def _first(
    source: ConfiguredSource, limit: int, unread: dict[str, Any], check: SourceCheck
) -> Iterator[SourceItem]:
    """Yields the first ``limit`` records of a source; tells ``check`` if there are more.

    Adds source fields that are not read to ``unread``, each with the first value found.
    """
    names = ",".join(source.fields.values()).split(",")
    mapped = [name.strip() for name in names]
    outer = {name.partition(".")[0] for name in mapped if "." in name}
    for number, item in enumerate(source.records()):
        if number == limit:
            check.whole = False
            return
        if isinstance(item, Record):
            for name, value in _with_inner(item.values, outer):
                known = (*FIELDS, *mapped, "path", "slug", "section")  # the last ones make links
                last = name.removeprefix(f"{name.partition('.')[0]}.")
                read = is_visibility_name(last) or find_updated({last: value})[0]
                if name not in known and not read and value not in (None, "", [], {}):
                    unread.setdefault(name, value)
        yield item


def _with_inner(values: Mapping[str, Any], outer: set[str]) -> Iterator[tuple[str, Any]]:
    """Yields names and values; of the objects that a ``map`` reaches into, those within them."""
    for name, value in values.items():
        if name in outer and isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", of) for inner, of in value.items())
        else:
            yield name, value


def _value(article: Article, name: str) -> Any:
    if name in ("summary", "sections"):
        # A summary is stored as one section without a heading.
        alone = [section.heading for section in article.sections] == [""]
        return article.sections if (name == "summary") == alone else None
    if name in ("links", "related"):
        related = name == "related"
        return tuple(one.url for one in article.links if (one.kind is LinkKind.RELATED) == related)
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
