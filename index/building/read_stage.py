"""The first stage: puts every article of the sources, once, into the build's store.

The sources are read here, in their order. The engine parses their records batch by batch, on any
machine and at any time; duplicate ids are found here, where all batches come together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from index.articles.article_store import ARTICLES, to_bytes
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem
from index.building.article_staging import ArticleStaging
from index.building.context import BuildContext
from index.errors import SourceError
from index.sources.source import Source, split_records
from recommender.errors import InputError, NotFoundError

_BATCH = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedArticle:
    """An article of a batch.

    Attributes:
        id: Its id.
        data: The article as :func:`index.articles.article_store.to_bytes` gives it.
        location: Where its record stands in the source, for messages.
        problems_before: How many of the batch's problems were reported before it was kept.
    """

    id: str
    data: bytes
    location: str
    problems_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedBatch:
    """The articles of some records, and what became of these records.

    Attributes:
        articles: In the order of the records.
        report: Of these records alone.
        refused: Why the rest of the batch was not looked at; empty if it was.
    """

    articles: list[ParsedArticle]
    report: ReadReport
    refused: str


def parse_batch(
    raw: Sequence[Any],
    *,
    parse: Callable[[Any], Record | RecordProblem],
    mapping: FieldMapping,
    strict: bool,
) -> ParsedBatch:
    """Turn some records into articles.

    Args:
        raw: Records as their source holds them.
        parse: Makes a record of each; see :class:`index.sources.source.SplitSource`.
        mapping: How their fields are named.
        strict: End at the first problem of any kind.
    """
    report = ReadReport()
    articles: list[ParsedArticle] = []
    refused = ""
    try:
        for article, location in parse_records(map(parse, raw), mapping, report, strict=strict):
            articles.append(
                ParsedArticle(
                    id=article.id,
                    data=to_bytes(article),
                    location=location,
                    problems_before=len(report.problems),
                )
            )
    except SourceError as error:
        refused = str(error)
    return ParsedBatch(articles=articles, report=report, refused=refused)


def read_sources(context: BuildContext, sources: Sequence[Source]) -> int:
    """Put every article once into the build's store, and return their number.

    Raises:
        SourceError: If a source can't be read or none of its records is usable.
        InputError: If an article that ``only`` names is in no source.
        NotFoundError: If articles are to be taken from the live build, and there is none.
    """
    options, report = context.options, context.report
    staging = ArticleStaging(context.folder / "staging.sqlite")
    missing = set(options.only)
    for source in sources:
        raw, parse = split_records(source)
        work = partial(parse_batch, parse=parse, mapping=options.mapping, strict=options.strict)
        for batch in options.engine.stream(work, raw, stage="read"):
            missing -= _add_batch(context, staging, batch)
            context.progress("read", report.kept, None)
    if options.only or options.keep_missing:
        _add_from_live_build(context, staging, missing, sources)
    count = staging.write(context.folder / ARTICLES)
    if count == 0:
        raise SourceError(_nothing_usable(sources, report))
    return count


def _add_batch(context: BuildContext, staging: ArticleStaging, batch: ParsedBatch) -> set[str]:
    """Stage the articles of a batch; returns the ids of those that were wanted."""
    options = context.options
    wanted = [item for item in batch.articles if not options.only or item.id in options.only]
    repeated = [wanted[number] for number in staging.add([(one.id, one.data) for one in wanted])]
    if repeated and options.strict:
        raise SourceError(f"{_duplicate(repeated[0])} (--strict refuses the source)")
    for article in reversed(repeated):
        batch.report.take_back(_duplicate(article), at=article.problems_before)
    context.report.add(batch.report)
    if batch.refused:
        raise SourceError(batch.refused)
    return {article.id for article in wanted}


def _duplicate(article: ParsedArticle) -> RecordProblem:
    return RecordProblem(
        location=article.location,
        field="id",
        reason="duplicate",
        message=f"id {article.id!r} occurred before; the first article keeps it",
    )


def _add_from_live_build(
    context: BuildContext, staging: ArticleStaging, missing: set[str], sources: Sequence[Source]
) -> None:
    """Stage the live build's articles whose ids no source held."""
    previous = context.previous
    if previous is None:
        option = "--only" if context.options.only else "--keep-missing"
        raise NotFoundError(
            f"{option} takes the other articles from the live build, and there is none to take "
            "them from: build the whole source first"
        )
    if missing:
        raise InputError(
            f"--only {min(missing)}: there is no usable article of that id in "
            f"{', '.join(source.name for source in sources)}"
        )
    kept = enumerate(previous.articles.kept())
    while batch := [(previous.article_id(row), data) for row, data in islice(kept, _BATCH)]:
        staging.add(batch)


def _nothing_usable(sources: Sequence[Source], report: ReadReport) -> str:
    names = ", ".join(source.name for source in sources)
    if not report.read:
        return f"{names} holds no records at all"
    reasons = ", ".join(f"{count} of {reason}" for reason, count in report.skipped.most_common(3))
    first = report.problems[0]
    return (
        f"none of the {report.read} records of {names} is a usable article ({reasons}); "
        f"the first: {first}"
    )
