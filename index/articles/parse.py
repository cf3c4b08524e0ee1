"""Parses a source's records into articles, and reports skipped records.

A record without a usable id, title or link is skipped. Other invalid values are repaired or left
out by :mod:`index.articles.record_parser`. Each problem is reported with its location in the
source. Each record that was read is counted as either kept or skipped.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from index.articles.foreign_dates import DateReader, find_zone
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, unreadable
from index.articles.record_parser import RecordParser
from index.articles.url_template import check_template
from index.errors import SourceError
from recommender.article import Article

FIELDS = tuple(
    "id title url summary sections excerpt image date updated status visible_from visible_until"
    " supersedes language translation_key tags ratings authors links related aliases".split()
)
"""The names of all fields that an article in the input format may have."""

_MAX_UNUSED = 1_000
_MAX_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMapping:
    """Settings by which a site's records are converted to articles.

    Attributes:
        url_template: The template for the addresses of articles whose records have none.
        timezone: The time zone of times that are given without one.
        date_format: How sources that have no ``date_format`` of their own write ambiguous dates, in
            the notation of ``strptime``; empty if unknown.
        guess_language: Whether to guess the language of articles whose records do not give it.
    """

    url_template: str
    timezone: ZoneInfo
    date_format: str = ""
    guess_language: bool = False

    def __post_init__(self) -> None:
        check_template(self.url_template, "url_template")


def parse_records(
    records: Iterable[Record | RecordProblem],
    mapping: FieldMapping,
    report: ReadReport,
    *,
    strict: bool = False,
    source: str = "",
) -> Iterator[tuple[Article, Record]]:
    """Convert records to articles, and yield each article with its record.

    Duplicate ids are not checked here: only the caller sees the articles of all sources.

    Args:
        records: What a source yields: records, and a ``RecordProblem`` for each unreadable one.
        mapping: The settings by which records are converted.
        report: The report to which counts and problems are added.
        strict: Raise an error at the first problem instead of skipping the record.
        source: The name of the records' source, which the articles keep.

    Raises:
        SourceError: If the source can't be read; or at the first problem, if ``strict``.
    """
    for item in records:
        report.read += 1
        if isinstance(item, RecordProblem):
            _refuse(item, strict)
            report.skip(item)
            continue
        dates = DateReader(
            timezone=find_zone(item.timezone) or mapping.timezone,
            date_format=item.date_format or mapping.date_format,
        )
        parser = RecordParser(item, mapping.url_template, dates, source)
        try:
            article = parser.article()
        except Exception as error:  # noqa: BLE001 - no input value may end a build
            problem = unreadable(item.location, error, parser.field)
            _refuse(problem, strict)
            report.skip(problem)
            continue
        for problem in parser.notes:
            _refuse(problem, strict and problem.reason not in ("no-text", "made-from-template"))
            report.note(problem)
        _count_unused(item, report)
        report.kept += 1
        report.languages[parser.language_from or "unknown"] += 1
        yield article, item


def _refuse(problem: RecordProblem, strict: bool) -> None:
    if strict:
        raise SourceError(
            f"{problem} "
            "(--strict refuses the source; without --strict, such records are skipped and counted)"
        )


def _count_unused(record: Record, report: ReadReport) -> None:
    for name, value in record.values.items():
        if name not in FIELDS and isinstance(value, str) and len(value) >= 200:
            name = name[:_MAX_NAME]
            if len(report.unused_fields) < _MAX_UNUSED or name in report.unused_fields:
                report.unused_fields[name] += 1
