"""``/editor``: find an article by words and by what is wrong with its links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from service.curation.article_search import SearchCounts, SearchQuery
from service.decisions.decision_state import OverrideKind
from service.editor.editor_context import EditorContext
from service.editor.labels import ArticleLabel, label_article
from service.editor.page_templates import PageTemplates, page_route, whole_number
from service.http.auth import Identity
from service.http.query_params import parse_query
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus

PAGE = 40
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A line of the results: the article, where it leads, and what was decided in its list."""

    item: ArticleLabel
    link: str
    decided: str


def search_router(room: EditorContext, pages: PageTemplates) -> APIRouter:
    """The route."""
    router = APIRouter(include_in_schema=False, route_class=page_route(pages, room.identify))

    @router.get("/editor")
    def find(request: Request, person: Identity = Depends(room.reader)) -> Response:
        given = _single(request)
        query, page = read_query(given), whole_number("page", given.get("page", "1"))
        served, now = room.look()
        found = room.desk.finder.find(served, query, now=now, limit=PAGE, offset=(page - 1) * PAGE)
        pinning = _pinning(served, given.get("pin"), now)
        hits = [_hit(served, row, now, pinning) for row in found.rows]
        first = (page - 1) * PAGE + 1
        further = {
            "first": min(first, found.total),
            "last": first + len(hits) - 1,
            "before": _link(given, page=page - 1) if page > 1 else "",
            "after": _link(given, page=page + 1) if first + PAGE <= found.total else "",
        }
        return pages.render(
            "find",
            person,
            here="find",
            query=query,
            found=found,
            hits=hits,
            pinning=pinning,
            selects=_selects(query, found.counts),
            toggles=_toggles(query, found.counts),
            filtered=any(given.get(name) for name in _FILTERS) or bool(query.words),
            clear=_link({"pin": given["pin"]} if pinning else {}),
            pages=further if further["before"] or further["after"] else None,
            notice=None,
        )

    return router


_TOGGLES = {
    "weak": "Weak links",
    "orphans": "Orphans",
    "overridden": "Has overrides",
    "changed": "Changed in the last build",
}
_FILTERS = ("standing", "language", "tag", *_TOGGLES)
UNKNOWN = "unknown"
"""How the filter says the language of articles that name none."""


def read_query(given: Mapping[str, str]) -> SearchQuery:
    """What an address asks for; what makes no sense is left out."""
    standing = given.get("standing")
    language = given.get("language")
    return SearchQuery(
        words=given.get("q", "")[:_LONGEST],
        standing=VisibilityStatus(standing) if standing in set(VisibilityStatus) else None,
        language="" if language == UNKNOWN else language or None,
        tag=given.get("tag") or None,
        **{name: given.get(name) == "1" for name in _TOGGLES},
    )


def _single(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_query(request.scope["query_string"]).items()}


def _hit(served: ServingView, row: int, now: int, pinning: ArticleLabel | None) -> SearchHit:
    item = label_article(served, row, now)
    if pinning is None:
        link = f"/editor/article?{urlencode({'id': item.article_id})}"
    else:
        pair = {"do": "pin", "id": pinning.article_id, "target": item.article_id}
        link = f"/editor/decide?{urlencode(pair)}"
    overrides = served.overrides(row, now)
    pins = sum(each.kind is OverrideKind.PIN for each in overrides)
    hides = len(overrides) - pins
    told = [_counted(count, name) for count, name in ((pins, "pin"), (hides, "hide")) if count]
    return SearchHit(item=item, link=link, decided=", ".join(told))


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' if count > 1 else ''}"


def _pinning(served: ServingView, article_id: str | None, now: int) -> ArticleLabel | None:
    """The article into whose list one is to be pinned, where that is why someone searches."""
    row = None if not article_id else served.build.row(article_id)
    return None if row is None else label_article(served, row, now)


def _selects(
    query: SearchQuery, counts: SearchCounts
) -> list[tuple[str, str, list[dict[str, Any]], str]]:
    language = UNKNOWN if query.language == "" else query.language or ""
    languages = {name or UNKNOWN: count for name, count in counts.languages.items()}
    return [
        (
            "Status",
            "standing",
            _options(
                {name.value: count for name, count in counts.standings.items()},
                query.standing or "",
            ),
            query.standing or "",
        ),
        (
            "Language",
            "language",
            _options(languages, language),
            language,
        ),
        ("Tag", "tag", _options(counts.tags, query.tag or ""), query.tag or ""),
    ]


def _options(counts: Mapping[str, int], chosen: str) -> list[dict[str, Any]]:
    shown = {name: count for name, count in counts.items() if count or name == chosen}
    if chosen and chosen not in shown:
        shown[chosen] = 0
    return [
        {"value": name, "label": name.replace("-", " "), "count": count}
        for name, count in shown.items()
    ]


def _toggles(query: SearchQuery, counts: SearchCounts) -> list[dict[str, Any]]:
    return [
        {"name": name, "label": label, "on": getattr(query, name), "count": getattr(counts, name)}
        for name, label in _TOGGLES.items()
    ]


def _link(given: Mapping[str, str], **changed: object) -> str:
    kept = {name: value for name, value in given.items() if value and name != "page"}
    kept.update({name: str(value) for name, value in changed.items() if value != 1})
    return f"/editor?{urlencode(kept)}" if kept else "/editor"
