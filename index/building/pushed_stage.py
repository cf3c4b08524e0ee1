"""Reads what was pushed, and lets it hold against the sources where it is the newest word."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

from index.articles.article_store import to_bytes
from index.articles.parse import FieldMapping
from index.building.article_staging import ArticleStaging
from index.building.context import BuildContext
from index.building.statement_staging import StatementStaging
from index.sources.configured_source import ConfiguredSource
from index.sources.pushed_source import location_of
from index.sources.source import Source
from recommender.visibility import utc_now

_NOT_CONTENT = frozenset(
    "path url hosts private user password timeout max_bytes attempts delay cache batch per_page "
    "max_pages sample include exclude types".split()
)
"""Options that say where and how a source is fetched, and what of it, but not how it is read."""


def read_statements(
    context: BuildContext, staging: ArticleStaging, work: Callable[[Sequence[Any]], Any]
) -> StatementStaging | None:
    """Reads the statements by which a site pushed articles, and adds them to the staging file.

    Args:
        context: The build in progress, whose options have the statements.
        staging: The temporary file that collects the build's articles.
        work: Parses a batch of statements, as :func:`index.building.read_stage.parse_batch` does.

    Returns:
        The collected statements; ``None`` if the build does not read any.
    """
    if context.options.statements is None or context.options.small:
        return None
    staged = StatementStaging(staging)
    raw = (one for one in context.options.statements() if staged.note(one))
    for batch in context.engine.stream(work, raw, stage="read"):
        staged.add([(one.id, one.data, one.language) for one in batch.articles])
        context.report.add(batch.report)
    return staged


def rules_of(mapping: FieldMapping, sources: Sequence[Source]) -> bytes:
    """Returns what is another once articles are made of the sources' records in another way."""
    given = [
        (dict(one.fields), one.url_template, one.date_format, one.language, _read_as(one.source))
        for one in sources
        if isinstance(one, ConfiguredSource)
    ]
    rules = repr((version("alsolike"), mapping, given))
    return blake2b(rules.encode(), digest_size=16).digest()


def apply_statements(
    context: BuildContext,
    staging: ArticleStaging,
    staged: StatementStaging | None,
    sources: Sequence[Source],
) -> frozenset[str]:
    """Keeps for each article the newer of what was pushed and what the sources hold.

    Args:
        context: The build in progress, whose report counts the articles that are superseded.
        staging: The articles that were read from the sources; changed in place.
        staged: The statements that were pushed; ``None`` for none.
        sources: The sources; pushed articles get the next number as that of their source.

    Returns:
        The ids of the articles that were pushed as gone.
    """
    if staged is None:
        return frozenset()
    report, live = context.report, context.previous
    outcome = staged.apply(
        context.seen,
        rules=rules_of(context.options.mapping, sources),
        keep_missing=context.options.keep_missing,
        complete=not report.skipped["unreachable"],
        now=utc_now(),
        source=len(sources),
    )
    if outcome.superseded:
        report.kept -= outcome.superseded
        report.skipped["id: superseded"] += outcome.superseded
    for one in outcome.unusable:
        row = None if live is None else live.row(one.id)
        if live is not None and row is not None:  # unless a source has it, it stays as it was
            staging.add([(one.id, to_bytes(live.articles[row]))])
        if not one.refused:
            place = location_of(one.id)
            told = (str(found) for found in report.problems if found.location == place)
            reason = next(told, "its record can't be read any more")
            context.refused.append((one.id, one.number, reason))
    return frozenset(outcome.gone)


def _read_as(source: Source) -> tuple[str, dict[str, Any]]:
    """Returns a source's class, and those of its options that decide what its articles say."""
    options = {one.name for one in fields(source)} if is_dataclass(source) else set[str]()
    names = sorted(options - _NOT_CONTENT)
    return type(source).__name__, {name: getattr(source, name) for name in names}
