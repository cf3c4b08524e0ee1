"""The figures about a build, for its ``report.json`` and its HTML report."""

import itertools
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles.read_report import ReadReport
from index.build.article_columns import ArticleColumns
from index.build.build import Build
from index.build.link_graph import LinkFindings
from index.build.shown_lists import count_inbound, list_heads
from index.publishing.gates import Verdict
from index.reporting.link_report import report_page_links
from recommender.blas_kernels import one_thread
from recommender.boilerplate import Boilerplate
from recommender.encoder import Embeddings

REPORT = "report.json"

MAP_ARTICLES = 2_000
"""Most articles shown on the report's map."""

_BINS = 25
_INBOUND = (0, 1, 2, 3, 5, 9, 17, 33, 65)
_NAMED = 20
_TAGS = 25
_GROUPS = 7
_PASSAGES = 40


def make_report(
    *,
    now: int,
    reading: ReadReport,
    columns: ArticleColumns,
    build: Build,
    embeddings: Embeddings,
    health: dict[str, float],
    boilerplate: Boilerplate,
    relearned: Boilerplate,
    churn: dict[str, Any] | None,
    verdicts: list[Verdict],
    good_score: float,
    page_links: LinkFindings,
    learning: dict[str, Any],
) -> dict[str, Any]:
    """Compute all figures of a build's report, as JSON values.

    None of the figures contains a time, so that builds with the same contents have equal reports.

    Args:
        now: The time at which visibility is decided, in microseconds since 1970 UTC.
        reading: The report on reading the source.
        columns: Dates, languages, tags and other data of each article.
        build: The build that the report is about, opened before it is finished.
        embeddings: Shape (n, dim), float32.
        health: Figures about all lists from :func:`recommender.pipeline.measure_health`.
        boilerplate: The boilerplate that was removed from the texts.
        relearned: The boilerplate that would be learned anew from these articles.
        churn: The changes from the live build, from
            :func:`index.publishing.churn.describe_churn`; ``None`` for a first build.
        verdicts: The verdicts of the gates.
        good_score: The least score of an article that readers are shown.
        page_links: What was found about the pages' own links.
        learning: What the weights of evidence were learned from.
    """
    visible = build.visible(now)
    heads, best = list_heads(build, visible)
    inbound = count_inbound(heads, visible)
    return {
        "quality": health,
        "gates": [
            {**asdict(verdict), "gate": verdict.gate.name.lower(), "exit_code": int(verdict.gate)}
            for verdict in verdicts
        ],
        # Without the build's own name, which contains the time.
        "churn": churn and {key: value for key, value in churn.items() if key != "new"},
        "scores": {"good": good_score, **_scores(best[visible])},
        "links": _links(build, visible, inbound),
        "page_links": report_page_links(page_links, build, visible, heads),
        "learning": learning,
        "languages": _coverage(
            [name or "unknown" for name in columns.language_names],
            columns.languages,
            np.arange(len(visible)),
            visible,
            inbound,
            best,
        ),
        "tags": _coverage(
            columns.tag_names, columns.tags.numbers, columns.tags.rows, visible, inbound, best
        ),
        "boilerplate": _boilerplate(boilerplate, relearned),
        "reading": describe_reading(reading),
        "problems": [problem.to_dict() for problem in reading.problems],
        "map": _map(build, columns, embeddings, visible),
    }


def describe_reading(reading: ReadReport) -> dict[str, Any]:
    """Return how many records were read, kept, and left out or repaired, and why, as JSON."""
    return {
        "read": reading.read,
        "kept": reading.kept,
        "skipped": dict(sorted(reading.skipped.items())),
        "notes": dict(sorted(reading.notes.items())),
        "languages": dict(sorted(reading.languages.items())),
        "unused_fields": dict(sorted(reading.unused_fields.items())),
    }


def _scores(best: NDArray[np.float32]) -> dict[str, Any]:
    found = best[np.isfinite(best)]
    counts, _ = np.histogram(found, bins=_BINS, range=(0.0, 1.0))
    return {
        "of": "the best related article of each visible article",
        "none": int(len(best) - len(found)),
        "bins": counts.tolist(),
        "quantiles": {
            str(share): round(float(np.quantile(found, share)), 4) if len(found) else None
            for share in (0.05, 0.25, 0.5, 0.75, 0.95)
        },
    }


def _links(build: Build, visible: NDArray[np.bool_], inbound: NDArray[np.int64]) -> dict[str, Any]:
    orphans = np.flatnonzero(visible & (inbound == 0))
    hubs = np.lexsort((np.arange(len(inbound)), -inbound))[:_NAMED]
    counts = np.bincount(
        np.searchsorted(_INBOUND, inbound[visible], side="right") - 1, minlength=len(_INBOUND)
    )
    ends = [f"{low}" for low in _INBOUND]
    for number, (low, high) in enumerate(itertools.pairwise(_INBOUND)):
        if high - low > 1:
            ends[number] = f"{low}–{high - 1}"  # noqa: RUF001 - a range for people
    ends[-1] += "+"
    return {
        "of": "how many shown lists each visible article is in",
        "inbound": dict(zip(ends, counts.tolist(), strict=True)),
        "orphans": {
            "count": len(orphans),
            "first": [build.named(row) for row in orphans[:_NAMED].tolist()],
        },
        "hubs": [
            {**build.named(row), "lists": int(inbound[row])}
            for row in hubs.tolist()
            if inbound[row]
        ],
    }


def _coverage(
    names: list[str],
    ids: NDArray[np.int32],
    rows: NDArray[np.integer],
    visible: NDArray[np.bool_],
    inbound: NDArray[np.int64],
    best: NDArray[np.float32],
) -> list[dict[str, Any]]:
    """Count, for each tag or each language, its articles, and how many are visible and are linked.

    Args:
        names: The tags or languages.
        ids: Shape (m,): for each pair of an article and a name, the name's position in ``names``.
        rows: Shape (m,): for each of these pairs, the article's row.
        visible: Shape (n,), bool: which articles may be shown.
        inbound: Shape (n,): the number of shown lists that each article is in.
        best: Shape (n,): the best score in each article's list.
    """
    width = len(names)
    seen = visible[rows]
    articles = np.bincount(ids, minlength=width)
    shown = np.bincount(ids[seen], minlength=width)
    linked = np.bincount(ids[seen & (inbound[rows] > 0)], minlength=width)
    score = np.where(np.isfinite(best), best, 0.0)
    total = np.bincount(ids[seen], score[rows][seen], minlength=width)
    order = np.lexsort((np.arange(width), -articles))[:_TAGS]
    return [
        {
            "name": names[number],
            "articles": int(articles[number]),
            "visible": int(shown[number]),
            "linked": round(float(linked[number] / max(shown[number], 1)), 4),
            "best_score": round(float(total[number] / max(shown[number], 1)), 4),
        }
        for number in order.tolist()
        if articles[number]
    ]


def _boilerplate(ignored: Boilerplate, relearned: Boilerplate) -> dict[str, Any]:
    """Describe the removed boilerplate, and how it would differ if it were learned again.

    Passages that are on just enough pages to count as boilerplate come and go with the sample. So
    a difference is reported only for a passage that one of the two lacks, while the other found it
    on at least twice as many pages as necessary.
    """
    old, new = _passages(ignored), _passages(relearned)
    gone = _common(old) - new.keys()
    came = _common(new) - old.keys()
    either = _common(old) | _common(new)
    return {
        **{kind: dict([*held.items()][:_PASSAGES]) for kind, held in ignored.by_kind().items()},
        "count": len(ignored),
        "drift": {
            "share": round(len(gone | came) / len(either), 4) if either else 0.0,
            "gone": [name for _, name in sorted(gone)][:_NAMED],
            "new": [name for _, name in sorted(came)][:_NAMED],
        },
    }


def _passages(boilerplate: Boilerplate) -> dict[tuple[str, str], int]:
    kinds = boilerplate.by_kind().items()
    return {(kind, name): count for kind, held in kinds for name, count in held.items()}


def _common(passages: dict[tuple[str, str], int]) -> set[tuple[str, str]]:
    least = 2 * min(passages.values(), default=0)
    return {passage for passage, count in passages.items() if count >= least}


def _map(
    build: Build, columns: ArticleColumns, embeddings: Embeddings, visible: NDArray[np.bool_]
) -> dict[str, Any]:
    """Make the map of up to :data:`MAP_ARTICLES` visible articles: positions, titles and groups."""
    rows = np.flatnonzero(visible)
    if len(rows) > MAP_ARTICLES:
        rows = rows[np.linspace(0, len(rows) - 1, MAP_ARTICLES).astype(np.int64)]
    names, group_of = _map_groups(columns)
    positions = lay_out(embeddings[rows])
    return {
        "groups": names,
        "articles": [
            {
                "x": round(x, 4),
                "y": round(y, 4),
                "group": int(group_of[row]),
                **build.named(row),
            }
            for row, (x, y) in zip(rows.tolist(), positions.tolist(), strict=True)
        ],
    }


def lay_out(embeddings: Embeddings) -> NDArray[np.float32]:
    """Compute a position on the map for each article, so that similar articles are close together.

    The two coordinates are the embeddings' first two principal components, scaled to [0, 1].

    Args:
        embeddings: Shape (n, dim), float32.

    Returns:
        Shape (n, 2), float32 in [0, 1].
    """
    count = len(embeddings)
    if count < 3:
        return np.linspace(0.25, 0.75, 2 * count, dtype=np.float32).reshape(count, 2)
    centered = embeddings - embeddings.mean(axis=0)
    products = centered.T @ centered
    with one_thread():  # by NumPy: to import SciPy's takes longer than all of it
        axes = np.linalg.eigh(products)[1][:, -2:]
    positions = centered @ axes
    positions -= positions.min(axis=0)
    fitted: NDArray[np.float32] = positions / np.maximum(positions.max(axis=0), 1e-9)
    return fitted


def _map_groups(columns: ArticleColumns) -> tuple[list[str], NDArray[np.int64]]:
    """Group the map's articles by their commonest tag or, if no article has tags, by language.

    Returns:
        The names of the groups, the last of which is "other"; and the group of each article as
        position among these names, shape (n,), int64.
    """
    names, ids, rows = columns.tag_names, columns.tags.numbers, columns.tags.rows
    if not names:
        names = [name or "unknown" for name in columns.language_names]
        ids, rows = columns.languages, np.arange(len(columns.languages), dtype=np.int32)
    uses = np.bincount(ids, minlength=len(names))
    common = np.lexsort((np.arange(len(uses)), -uses))[:_GROUPS]
    rest = len(common)
    group_by_name = np.full(len(names), rest, dtype=np.int64)
    group_by_name[common] = np.arange(rest)
    group_of = np.full(len(columns.dates), rest, dtype=np.int64)
    np.minimum.at(group_of, rows, group_by_name[ids])
    return [*(names[number] for number in common.tolist()), "other"], group_of
