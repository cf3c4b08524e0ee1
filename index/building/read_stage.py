"""The first stage: every article of the sources, once, into the build's store.

The sources are read here, in their order; what is read is made into articles by the engine, batch
by batch; and here it is seen which ids occurred before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice

from index.articles.article_store import ARTICLES
from index.articles.read_report import ReadReport
from index.articles.record import RecordProblem
from index.building.article_staging import ArticleStaging
from index.building.context import BuildContext
from index.building.parse_batch import Outcome, ParsedBatch, parse_batch
from index.errors import SourceError
from index.sources.source import Source, split_records
from recommender.errors import InputError, NotFoundError

_TOGETHER = 1_024


def read_sources(making: BuildContext, sources: Sequence[Source]) -> int:
    """Put every article once into the build's store, and return their number.

    Raises:
        SourceError: If a source can't be read or none of its records is usable.
    """
    options, report = making.options, making.report
    staging = ArticleStaging(making.folder / "staging.sqlite")
    missing = set(options.only)
    for source in sources:
        raw, parse = split_records(source)
        work = partial(parse_batch, parse=parse, mapping=options.mapping, strict=options.strict)
        for batch in options.engine.stream(work, raw, stage="read"):
            missing -= _take(making, staging, batch)
            making.progress("read", report.kept, None)
    if options.only or options.keep_missing:
        _add_the_rest(making, staging, missing, sources)
    count = staging.write(making.folder / ARTICLES)
    if count == 0:
        raise SourceError(_nothing_usable(sources, report))
    return count


def _take(making: BuildContext, staging: ArticleStaging, batch: ParsedBatch) -> set[str]:
    """Add a batch to what was read before it; returns the ids of what was kept of it."""
    options, outcome = making.options, Outcome.of(batch)
    kept = batch.kept()
    wanted = (
        [place for place, (article_id, _) in enumerate(kept) if article_id in options.only]
        if options.only
        else range(len(kept))
    )
    twice = [wanted[place] for place in staging.add([kept[place] for place in wanted])]
    duplicates = [(place, _duplicate(kept[place][0], outcome.places[place])) for place in twice]
    if duplicates and options.strict:
        problem = duplicates[0][1]
        raise SourceError(f"{problem} (--strict refuses the source)")
    for place, problem in reversed(duplicates):
        outcome.report.take_back(problem, at=outcome.told[place])
    making.report.add(outcome.report)
    if outcome.refused:
        raise SourceError(outcome.refused)
    return {kept[place][0] for place in wanted}


def _duplicate(article_id: str, place: str) -> RecordProblem:
    return RecordProblem(
        location=place,
        field="id",
        reason="duplicate",
        message=f"id {article_id!r} occurred before; the first article keeps it",
    )


def _add_the_rest(
    making: BuildContext, staging: ArticleStaging, missing: set[str], sources: Sequence[Source]
) -> None:
    """Every other article as the live build has it."""
    if making.previous is None:
        option = "--only" if making.options.only else "--keep-missing"
        raise NotFoundError(
            f"{option} takes the other articles from the live build, and there is none to take "
            "them from: build the whole source first"
        )
    if missing:
        raise InputError(
            f"--only {min(missing)}: there is no usable article of that id in "
            f"{', '.join(source.name for source in sources)}"
        )
    previous = making.previous
    kept = enumerate(previous.articles.kept())
    while some := [(previous.article_id(row), data) for row, data in islice(kept, _TOGETHER)]:
        staging.add(some)


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
