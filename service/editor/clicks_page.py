"""``/editor/clicks``: what readers follow, for editors; for admins also what was not counted."""

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from index.errors import BuildError, DatabaseError
from index.reporting.charts import columns, meter
from recommender.errors import NotFoundError
from recommender.parameters import EVIDENCE_PHRASES
from service.clicks.click_events import REASONS
from service.clicks.click_figures import (
    ClickFigures,
    Figure,
    LinkFigure,
    best_links,
    worst_links,
)
from service.curation.article_search import find_article_row
from service.editor.editor_pages import EditorPages
from service.http.auth import Identity
from service.http.problems import RETRY, ProblemError
from service.serving.selection import ORIGIN_PHRASES

PERIODS = (7, 28, 90)
"""Of how many days the page can show the figures."""

_SHOWN = 8
_EVIDENCE = {**EVIDENCE_PHRASES, "unknown": "nothing that is known today"}


def clicks_page_router(pages: EditorPages) -> APIRouter:
    """Returns the route of the page that shows which links readers see and click."""
    router = pages.router()

    @router.get("/editor/clicks")
    def show(days: str = "28", person: Identity = Depends(pages.reader)) -> Response:
        if days not in map(str, PERIODS):
            raise ProblemError(
                422, f"the number of days is {days[:20]!r}; it must be 7, 28 or 90", field="days"
            )
        values: dict[str, Any] = {"days": int(days), "periods": PERIODS, "operated": None}
        try:
            values["figures"] = figures = pages.click_figures(int(days))
            if figures is not None and figures.total.seen:
                values |= _values(pages, figures)
            if figures is not None and person.role == "admin":
                values["operated"] = _operator_values(pages, figures)
        except DatabaseError as error:
            told = f"clicks can't be read now: {error.public}"
            raise ProblemError(503, told, headers=RETRY) from error
        return pages.render("clicks", person, **values)

    return router


def link_sentence(link: LinkFigure) -> str:
    """Returns in words how often a link was seen and clicked: ``followed 3 of 400 times``."""
    seen, clicked = link.figure.seen, link.figure.clicked
    often = f"{clicked:,} of {seen:,} times" if clicked else f"not once in {seen:,} times"
    if link.surely != 1:
        return f"followed {often}; usual there: {link.usual:,.0f}"
    if link.figure.enough:
        return f"followed {often}, as usual there"
    return f"seen {'once' if seen == 1 else f'{seen:,} times'}, too few to judge"


def _values(pages: EditorPages, figures: ClickFigures) -> dict[str, Any]:
    view, now = pages.view()

    def rows(figures: Iterable[tuple[str, str, str]]) -> list[dict[str, Any]]:
        shown = (
            {"item": item, "target": target, "sentence": sentence}
            for article, other, sentence in figures
            if (item := find_article_row(view, article, now))
            and ((target := find_article_row(view, other, now)) or not other)
        )
        return list(itertools.islice(shown, _SHOWN))

    def links(chosen: Iterable[LinkFigure]) -> list[dict[str, Any]]:
        return rows((each.article, each.figure.name, link_sentence(each)) for each in chosen)

    never = {figure.name: figure.seen for figure in figures.unfollowed}
    evidence = figures.by_evidence(view.build)
    return {
        "charts": _charts(figures.days),
        "positions": _table(figures.positions, {}),
        "tables": [
            ("Why the link is there", _table(figures.by("origin"), ORIGIN_PHRASES)),
            ("Mainly related by, as the live build weighs it", _table(evidence, _EVIDENCE)),
        ],
        "best": links(best_links(figures.links)),
        "worst": links(link for link in worst_links(figures.links) if link.article not in never),
        "unfollowed": rows(
            (article, "", f"seen {seen:,} times") for article, seen in never.items()
        ),
    }


def _operator_values(pages: EditorPages, figures: ClickFigures) -> dict[str, Any]:
    tables = {"Variant": figures.by("variant"), "Full build": figures.by("build")[-_SHOWN:]}
    comparison: list[str] = []
    running = False
    try:
        found = pages.comparison.find()
        comparison, running = list(found.sentences()), found.state.ended is None
    except BuildError as error:
        comparison = [f"The comparison can't be shown: {error}."]
    except NotFoundError:
        pass
    return {
        "comparison": comparison,
        "running": running,
        "tables": [(head, _table(lines, {})) for head, lines in tables.items() if lines],
        "rejections": [
            (REASONS.get(reason, reason), count) for reason, count in figures.rejections
        ],
    }


def _charts(days: Sequence[Figure]) -> dict[str, Any]:
    """Returns the charts by day: lists seen, and how many of 1,000 were followed."""
    step = max(1, len(days) // 5)
    dates = [f"{dt.date.fromisoformat(day.name):%-d %b}" for day in days]
    followed = [round(1_000 * day.rate) for day in days]
    return {
        "Lists seen": columns(
            [day.seen for day in days], dates, every=step, title="Lists seen each day"
        ),
        "Followed, of 1,000 seen": columns(
            followed,
            dates,
            every=step,
            title="Of 1,000 lists seen, those in which a link was followed",
        ),
    }


def _table(figures: Sequence[Figure], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns the lines of a table of figures, each with a bar as long as its rate."""
    most = max((figure.rate for figure in figures if figure.enough), default=0.0)
    return [
        {
            "name": names.get(figure.name, figure.name),
            "figure": figure,
            "bar": meter(figure.rate / most, title=figure.name) if figure.enough and most else "",
        }
        for figure in figures
    ]
