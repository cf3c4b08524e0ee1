"""The last stage of a build: compares it with the live one, asks every gate, writes the report."""

from typing import Any

from index.build.article_columns import ArticleColumns
from index.build.build import Build
from index.build.link_graph import LinkFindings
from index.build.list_dates import build_date, date_lists
from index.build.manifest import Manifest
from index.building.context import BuildContext
from index.files import write_json
from index.publishing.churn import describe_churn
from index.publishing.publish import Assessment, assess
from index.reporting.report import REPORT, make_report
from recommender.boilerplate import Boilerplate
from recommender.encoder import Embeddings
from recommender.pipeline import PipelineResult


def report_build(
    context: BuildContext,
    manifest: Manifest,
    *,
    now: int,
    columns: ArticleColumns,
    embeddings: Embeddings,
    related: PipelineResult,
    boilerplate: Boilerplate,
    relearned: Boilerplate,
    links: LinkFindings,
    learning: dict[str, Any],
) -> tuple[Manifest, dict[str, Any], Assessment]:
    """Writes the report of a build whose files but the manifest are there.

    Args:
        context: The build in progress.
        manifest: The build's manifest, without quality and drift.
        now: The time for which visibility is judged, in microseconds since 1970 UTC.
        columns: The articles' columns.
        embeddings: Shape (n, dim), float32.
        related: The lists.
        boilerplate: The passages that were removed from texts.
        relearned: Those that would be learned from this build.
        links: The links between the articles.
        learning: The record of learning.

    Returns:
        The manifest with quality and drift, the report as JSON values, and the verdict of each
        gate.
    """
    live = context.previous
    build = Build(context.folder, manifest, verify=False)
    date_lists(build, live)
    drift = 0.0
    if manifest.small:
        drift = float((build.listed_in[:, 0] > build_date(manifest.full)).mean())
    is_variant = context.beside is not None and context.beside.name is not None
    compared = None if is_variant else live
    assessment = assess(build, compared, context.options.limits, now=now)
    churn = None
    if compared is not None and assessment.churn is not None:
        churn = describe_churn(compared, build, assessment.churn, now=now)
    report = make_report(
        now=now,
        reading=context.report,
        columns=columns,
        build=build,
        embeddings=embeddings,
        health=related.health,
        boilerplate=boilerplate,
        relearned=relearned,
        churn=churn,
        verdicts=assessment.verdicts,
        good_score=context.options.limits.query.min_score,
        page_links=links,
        learning=learning,
    )
    if manifest.small and live is not None:
        report["boilerplate"] = live.report()["boilerplate"]
    write_json(context.folder / REPORT, report)
    done = {"quality": report["quality"], "drift": round(drift, 4)}
    return manifest.model_copy(update=done), report, assessment
