"""Articles from a source's records: the field mapping, and the report on what was skipped.

A record that can't be an article (no id, no title, no link) is skipped; see
:mod:`index.articles.record_parser` for what is repaired. Each problem is reported with its
location, and read = kept + skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, unreadable
from index.articles.record_parser import RecordParser
from index.errors import SourceError
from recommender.article import Article
from recommender.errors import ArticleError, SettingError

FIELDS = (
    "id",
    "title",
    "url",
    "summary",
    "sections",
    "excerpt",
    "image",
    "date",
    "status",
    "visible_from",
    "visible_until",
    "supersedes",
    "language",
    "tags",
    "ratings",
    "authors",
)
"""Every field of an article in the input format."""

_MAX_UNUSED = 1_000
_MAX_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMapping:
    """How the fields of a site's records become the fields of articles.

    Attributes:
        fields: Our field names to the site's (``{"summary": "text"}``); a dotted name is a path
            (``"content.rendered"``).
        url_template: Link of articles without one, ``{id}`` standing for the escaped id.
        timezone: Zone of times that name none.
    """

    fields: Mapping[str, str]
    url_template: str
    timezone: ZoneInfo

    def __post_init__(self) -> None:
        for name in self.fields:
            if name not in FIELDS:
                raise SettingError(
                    f"--map {name}=…: an article has no field {name!r}; choose one of "
                    f"{', '.join(FIELDS)}"
                )
        if "{id}" not in self.url_template:
            raise SettingError(f"url_template {self.url_template!r} does not hold {{id}}")


def parse_records(
    records: Iterable[Record | RecordProblem],
    mapping: FieldMapping,
    report: ReadReport,
    *,
    strict: bool = False,
) -> Iterator[tuple[Article, str]]:
    """Every usable article of some records with its location, in their order.

    The caller has to check for ids that occur twice: only it sees all articles.

    Args:
        records: Records and problems as a source gives them.
        mapping: How the records' fields are named.
        report: Counts and problems are added to it.
        strict: Raise at the first problem of any kind.

    Raises:
        SourceError: If the source can't be read, or at a problem if ``strict``.
    """
    for item in records:
        report.read += 1
        if isinstance(item, RecordProblem):
            _refuse(item, strict)
            report.skip(item)
            continue
        parser = RecordParser(item, mapping.fields, mapping.url_template, mapping.timezone)
        try:
            article = parser.article()
        except Exception as error:  # noqa: BLE001 - no value from outside ends a build
            if isinstance(error, ArticleError):
                name, reason, text = error.field, error.reason, str(error)
                problem = RecordProblem(
                    location=item.location, field=name, reason=reason, message=text
                )
            else:
                problem = unreadable(item.location, error, parser.field)
            _refuse(problem, strict)
            report.skip(problem)
            continue
        for problem in parser.notes:
            _refuse(problem, strict and problem.reason not in ("no-text", "made-from-template"))
            report.note(problem)
        _count_unused(item, mapping, report)
        report.kept += 1
        yield article, item.location


def _refuse(problem: RecordProblem, strict: bool) -> None:
    if strict:
        raise SourceError(
            f"{problem} "
            "(--strict refuses the source; leave it out to skip such records and have them counted)"
        )


def _count_unused(record: Record, mapping: FieldMapping, report: ReadReport) -> None:
    used = {mapping.fields.get(name, name).partition(".")[0] for name in FIELDS}
    for name, value in record.values.items():
        if name not in used and isinstance(value, str) and len(value) >= 200:
            name = name[:_MAX_NAME]
            if len(report.unused_fields) < _MAX_UNUSED or name in report.unused_fields:
                report.unused_fields[name] += 1
