"""The first stage: every article of the sources, once, into the build's store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from index.articles import ReadReport, read_articles
from index.building.making import Making
from index.building.staging import ArticleStaging
from index.sources.source import Problem, Source
from index.store import ARTICLES, to_bytes
from recommender.article import Article
from recommender.errors import InputError, NotFoundError, SourceError

_TOGETHER = 1_024


def read_sources(making: Making, sources: Sequence[Source]) -> int:
    """Put every article once into the build's store, and return their number.

    Raises:
        SourceError: If a source can't be read or none of its records is usable.
    """
    options, report = making.options, making.report
    staging = ArticleStaging(making.folder / "staging.sqlite")
    wanted = set(options.only)
    for source in sources:
        for article, place in read_articles(source, options.mapping, report, strict=options.strict):
            if options.only and article.id not in options.only:
                continue
            if staging.add([(article.id, to_bytes(article))]):
                _refuse_duplicate(report, article, place, strict=options.strict)
            wanted.discard(article.id)
            if report.kept % 1_000 == 0:
                making.progress("read", report.kept, None)
    if options.only or options.keep_missing:
        _add_the_rest(making, staging, wanted, sources)
    count = staging.write(making.folder / ARTICLES)
    if count == 0:
        raise SourceError(_nothing_usable(sources, report))
    return count


def _add_the_rest(
    making: Making, staging: ArticleStaging, missing: set[str], sources: Sequence[Source]
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


def _refuse_duplicate(report: ReadReport, article: Article, place: str, *, strict: bool) -> None:
    problem = Problem(
        place=place,
        field="id",
        reason="duplicate",
        message=f"id {article.id!r} occurred before; the first article keeps it",
    )
    if strict:
        raise SourceError(f"{place}: {problem.message} (--strict refuses the source)")
    report.kept -= 1
    report.skip(problem)


def _nothing_usable(sources: Sequence[Source], report: ReadReport) -> str:
    names = ", ".join(source.name for source in sources)
    if not report.read:
        return f"{names} holds no records at all"
    reasons = ", ".join(f"{count} of {reason}" for reason, count in report.skipped.most_common(3))
    first = report.problems[0]
    return (
        f"none of the {report.read} records of {names} is a usable article ({reasons}); "
        f"the first: {first.place}: {first.message}"
    )
