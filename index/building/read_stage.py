"""The first stage of a build: reads the sources' articles into the build's article store.

This process reads the sources one after another. The engine parses their records in batches,
possibly on other machines. Duplicate ids are found in this process, which gets all batches back.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, cast

from index.articles.article_store import ARTICLES, ArticleStore, to_bytes
from index.articles.guessed_languages import Certainty, StagedLanguage, find_language
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem
from index.articles.updated import updated_at
from index.build.build import Build
from index.building.article_staging import ArticleStaging
from index.building.changed_articles import change_articles, find_changes
from index.building.context import BuildContext, BuildOptions
from index.building.pushed_stage import apply_statements, read_statements
from index.building.statement_staging import change_seen, write_seen
from index.errors import BuildError, SourceError
from index.sources.pushed_source import PUSHED, record_of
from index.sources.source import Source, split_records
from recommender.article import Article
from recommender.errors import InputError, NotFoundError
from recommender.text import RECIPE

_BATCH = 1_024


class ParsedArticle(NamedTuple):  # quicker to send between processes than a dataclass
    """A parsed article in a batch.

    Attributes:
        id: The article's id.
        data: The article, encoded by :func:`index.articles.article_store.to_bytes`.
        location: Where the article's record is in the source, for messages.
        language: The article's language, stated or guessed, with its certainty.
        problems_before: How many of the batch's problems were found before this article.
        updated: When the record was last changed, microseconds since 1970 UTC; ``None`` if it does
            not say.
    """

    id: str
    data: bytes
    location: str
    language: StagedLanguage
    problems_before: int
    updated: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedBatch:
    """The articles parsed from a batch of records, and a report about the batch.

    Attributes:
        articles: The articles, in the order of their records.
        report: Counts and problems of this batch alone.
        refused: Why parsing stopped before the end of the batch; empty if all was parsed.
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
    source: str = "",
    dated: bool = False,
) -> ParsedBatch:
    """Turns a batch of raw records into articles.

    Args:
        raw: Raw records of a source, such as lines of a file.
        parse: Turns a raw record into a record; the source provides this function.
        mapping: Which field of a record holds which field of an article.
        strict: Stop at the first problem of any kind.
        source: The source's name, which the articles keep.
        dated: Whether to find out when each record was last changed.
    """
    report = ReadReport()
    articles: list[ParsedArticle] = []
    refused = ""
    try:
        records = map(parse, raw)
        for article, record in parse_records(
            records, mapping, report, strict=strict, source=source
        ):
            articles.append(
                ParsedArticle(
                    id=article.id,
                    data=to_bytes(article),
                    location=record.location,
                    language=_language(article, mapping),
                    problems_before=len(report.problems),
                    updated=updated_at(record, mapping) if dated else None,
                )
            )
    except SourceError as error:
        refused = str(error)
    return ParsedBatch(articles=articles, report=report, refused=refused)


def _language(article: Article, mapping: FieldMapping) -> StagedLanguage:
    if mapping.guess_language:
        return find_language(article)
    return article.language or "", Certainty.SAID


def read_sources(context: BuildContext, sources: Sequence[Source]) -> int:
    """Reads every article into the build's article store, each id once.

    A small build reads the changed articles only, and takes all others from the live build.

    Returns:
        The number of articles in the store.

    Raises:
        SourceError: If a source can't be read, or no record is usable.
        InputError: If no source has an article that the option ``only`` names.
        NotFoundError: If articles are to be taken from the live build, but there is none.
        BuildError: If the live build was made otherwise, so that nothing can be taken from it.
    """
    options, report = context.options, context.report
    if options.small or (options.keep_missing and context.seen is None):
        _live_build(context)  # before the sources are read
    if options.changes is not None:
        sources = options.changes.sources()
    staging = ArticleStaging(context.folder / "staging.sqlite")
    work = partial(
        parse_batch, parse=record_of, mapping=options.mapping, strict=False, source=PUSHED
    )
    statements = read_statements(context, staging, work)
    seen_anew = _read_each(context, staging, sources, dated=statements is not None)
    gone = apply_statements(context, staging, statements, sources)
    if statements is not None and options.mapping.guess_language:
        _settle_languages(context, staging, len(sources), part=True)
    seen = None if statements is None else statements.seen()
    count = _write_articles(context, staging, gone)
    if seen is not None:
        write_seen(context.folder / ARTICLES, seen)
    elif options.small and context.previous is not None:
        lost, settle = options.changes.lost if options.changes else (), bool(options.changes)
        newest = context.previous.manifest.pushed
        change_seen(context.folder / ARTICLES, seen_anew, lost, newest, settle=settle)
    if count == 0:
        raise SourceError(_nothing_usable(sources, report))
    return count


def _read_each(
    context: BuildContext, staging: ArticleStaging, sources: Sequence[Source], *, dated: bool
) -> dict[str, bytes]:
    """Reads the sources one after another into the staging file.

    Args:
        context: The build.
        staging: The staging file.
        sources: The sources.
        dated: Whether to find out when each record was last changed.

    Returns:
        Of a small build: the sources' articles by id, encoded.
    """
    options, missing, changed = context.options, set(context.options.only), dict[str, bytes]()
    for number, source in enumerate(sources):
        raw, parse = split_records(source)
        work = partial(
            parse_batch,
            parse=parse,
            mapping=options.mapping,
            strict=options.strict,
            source=source.name,
            dated=dated,
        )
        for batch in context.engine.stream(work, raw, stage="read"):
            read = _add_batch(context, staging, batch, number)
            missing -= read.keys()
            if source.name != PUSHED and options.small:
                changed = read | changed
            context.progress("read", context.report.kept, None)
        if options.mapping.guess_language:
            _settle_languages(context, staging, number)
    if missing:
        raise InputError(
            f"--only {min(missing)}: there is no usable article with this id in "
            f"{', '.join(source.name for source in sources)}"
        )
    return changed


def _write_articles(context: BuildContext, staging: ArticleStaging, gone: frozenset[str]) -> int:
    """Writes the article store from what was read and from the live build; returns the number.

    Args:
        context: The build.
        staging: What was read.
        gone: Ids of articles that the live build may have, but that were pushed as gone.
    """
    options, live = context.options, context.previous
    found: tuple[dict[str, bytes], list[str]] | None = None
    if options.small:
        found = staging.take(), [*(options.changes.remove if options.changes else ())]
    elif live is not None and _may_take_over(live, options):
        found = find_changes(live, staging, keep_missing=options.keep_missing)
        found = found and (found[0], [*found[1], *gone])
    context.changed = found
    if found is not None and live is not None:
        context.carried = change_articles(live, context.folder, *found)
        if not len(context.carried.rows):
            raise SourceError("the changes would leave the build without articles: keep one")
        return len(context.carried.rows)
    if options.keep_missing:
        _add_articles(staging, context, gone)
    return staging.write(context.folder / ARTICLES)


def _may_take_over(live: Build, options: BuildOptions) -> bool:
    """Returns whether a build of whole sources may be small, if few articles changed."""
    return _fits(live, options) and live.manifest.drift < options.max_drift and not options.relearn


def _fits(live: Build, options: BuildOptions) -> bool:
    return (live.manifest.recipe, live.manifest.depth) == (RECIPE, options.depth)


def _settle_languages(
    context: BuildContext, staging: ArticleStaging, source: int, *, part: bool = False
) -> None:
    """Decides on the guessed languages of a source, and counts them in the report.

    Of a source that holds only a part of the site, the live build's languages count too.
    """
    said_before: list[str] = []
    previous = context.previous
    if previous is not None and (part or context.options.small):
        said_before = [previous.language_names[number] for number in previous.languages.tolist()]
    guessed = staging.settle(source, said_before)
    context.report.count_guesses(guessed)


def _add_batch(
    context: BuildContext, staging: ArticleStaging, batch: ParsedBatch, source: int
) -> dict[str, bytes]:
    """Adds a batch's articles to the staging file; if ``only`` is set, only those it names.

    Returns:
        The articles by id, encoded, including those whose id was already known.
    """
    options = context.options
    wanted = [item for item in batch.articles if not options.only or item.id in options.only]
    positions = staging.add(
        [(one.id, one.data) for one in wanted],
        source=source,
        languages=[one.language for one in wanted],
        updated=[one.updated for one in wanted],
    )
    repeated = [wanted[position] for position in positions]
    if repeated and options.strict:
        raise SourceError(f"{_duplicate(repeated[0])} (--strict refuses the source)")
    for article in reversed(repeated):
        batch.report.take_back(_duplicate(article), at=article.problems_before)
    context.report.add(batch.report)
    if batch.refused:
        raise SourceError(batch.refused)
    return {article.id: article.data for article in reversed(wanted)}


def _duplicate(article: ParsedArticle) -> RecordProblem:
    return RecordProblem(
        location=article.location,
        field="id",
        reason="duplicate",
        message=f"id {article.id!r} occurred before; the first article keeps it; if this is "
        "another page, map another field to its id, such as url: --map id=url; if a join of a "
        "database repeats it, group the rows: GROUP BY",
    )


def _live_build(context: BuildContext) -> Build:
    """Returns the live build, from which articles are taken."""
    options, live = context.options, context.previous
    if live is None and context.seen is not None and options.only:
        raise InputError(
            "--only takes all other articles from the live build, of which --from-scratch takes "
            "nothing over: leave one of the two out"
        )
    if live is None:
        named = "--only" if options.only else "--keep-missing"
        raise NotFoundError(
            f"{named if options.changes is None else 'a small build'} takes all other articles "
            "from the live build, but there is no live build: first build the whole source with: "
            "alsolike build"
        )
    if options.small and options.relearn:
        raise InputError(
            "--relearn learns from all articles, so it can't go with --only: build the whole source"
        )
    if options.small and not _fits(live, options):
        raise BuildError(
            f"the live build {live.name} prepared texts in another way or made lists of another "
            "length, so a small build can't take them over: build the whole source with: "
            "alsolike build"
        )
    return live


def _add_articles(staging: ArticleStaging, context: BuildContext, gone: frozenset[str]) -> None:
    """Adds those articles of the live build to the staging file whose ids are in no source."""
    live = context.previous
    kept: Iterator[tuple[str, bytes]]
    if live is not None:
        kept = zip(map(bytes.decode, live.ids), live.articles.kept(), strict=True)
    else:  # from scratch, perhaps since only its articles can still be read
        store = ArticleStore(cast("Path", context.seen))
        kept = ((json.loads(data)["id"], data) for data in store.kept())
    while batch := list(islice(kept, _BATCH)):
        staging.add([(article_id, data) for article_id, data in batch if article_id not in gone])


def _nothing_usable(sources: Sequence[Source], report: ReadReport) -> str:
    names = ", ".join(source.name for source in sources) or PUSHED
    if not report.read:
        return f"{names} holds no records"
    reasons = ", ".join(f"{count} of {reason}" for reason, count in report.skipped.most_common(3))
    if not report.problems:
        return f"all of {names} is gone, as was pushed: push at least one article"
    first = report.problems[0]
    return (
        f"none of the {report.read} records of {names} is a usable article ({reasons}); "
        f"the first: {first}"
    )
