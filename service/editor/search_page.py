"""``/editor``: the page to search articles by words, visibility, tag or quality of their lists."""

import itertools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from index.articles.card import read_card
from index.query import RelatedQuery
from recommender.visibility import NO_DAY
from service.curation.article_search import (
    MAX_QUERY,
    ArticleRow,
    LinkHealth,
    SearchCounts,
    SearchQuery,
    SortOrder,
    read_article_row,
    read_title,
)
from service.curation.decision_actions import find_row
from service.curation.link_texts import Closeness
from service.curation.pin_alerts import check_override
from service.decisions.decision_state import OverrideKind
from service.decisions.list_scope import EVERY, is_rule, name_scope
from service.editor.article_page import describe_done, site_address
from service.editor.editor_pages import EditorPages, page_number
from service.http.auth import Identity
from service.http.html_fragment import first_letter
from service.http.query_params import parse_query
from service.serving.serving_view import ServingView, VisibilityStatus

PAGE = 40


def search_router(pages: EditorPages) -> APIRouter:
    """Returns the route of the page on which editors search for articles."""
    router = pages.router()

    @router.get("/")
    def start() -> Response:
        return RedirectResponse("/editor", 303)

    @router.get("/editor")
    def find(request: Request, person: Identity = Depends(pages.reader)) -> Response:
        given = read_single(request.scope["query_string"])
        return show_search(pages, person, given, done=given.pop("done", ""))

    return router


def show_search(
    pages: EditorPages,
    person: Identity,
    given: dict[str, str],
    *,
    done: str,
    failed: Mapping[str, tuple[str, str]] | None = None,
    status: int = 200,
) -> Response:
    """Renders the page with the results of a search for articles.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        given: The search's URL parameters.
        done: The numbers of the audit entries of what the editor just did, with commas between.
        failed: By the value of a row's checkbox, the title of the article and the reason why a
            decision about it was refused.
        status: The HTTP status of the response.

    Raises:
        UnknownArticleError: If the build lacks the article in whose list to pin another.
    """
    query, page = read_query(given), page_number(given.get("page", "1"))
    seen = pages.context.database().audit.newest()
    back = urlencode({name: value for name, value in given.items() if value})
    view, now = pages.view()
    result = pages.context.search.find(view, query, now=now, limit=PAGE, offset=(page - 1) * PAGE)
    pin = given.get("pin")
    pinning = read_article_row(view, find_row(view.build, pin, "pin"), now) if pin else None
    closeness, least = pages.closeness(view.build), pages.context.query.min_score
    healths = pages.context.search.health(view, result.rows, now)
    hits = [
        _hit(pages, view, row, now, pinning) | _in_words(health, closeness, least)
        for row, health in zip(result.rows, healths, strict=True)
    ]
    narrowed = any(given.get(name) for name in _FILTERS)
    filtered = narrowed or bool(given.get("q"))
    starts = not (filtered or pinning or page > 1 or query.sort)
    followed, clicks_unread = None, False
    if starts:
        followed, clicks_unread = pages.read_clicks(lambda figures: figures.total, days=7)
    dated = bool((view.build.dates != NO_DAY).any())
    by_date = "newest first" if dated else "by id"
    orders = {"": "best match first" if query.words else by_date, **_ORDERS}
    if query.words and dated:
        orders[SortOrder.NEWEST] = by_date
    first = (page - 1) * PAGE + 1
    further = {
        "first": min(first, result.total),
        "last": min(first + len(hits) - 1, result.total),
        "before": _link(given, page=page - 1) if page > 1 else "",
        "after": _link(given, page=page + 1) if first + PAGE <= result.total else "",
    }
    return pages.render(
        "find",
        person,
        status=status,
        query=query,
        result=result,
        hits=hits,
        pinning=pinning,
        orders=orders,
        selects=_selects(query, result.counts),
        toggles=_toggles(query, result.counts),
        filtered=filtered,
        narrowed=narrowed,
        pins=find_weak_pins(view, now, pages.context.query) if starts else [],
        followed=followed,
        clicks_unread=clicks_unread,
        clear=_link({"pin": given["pin"]} if pinning else {}),
        pages=further if further["before"] or further["after"] else None,
        notice=describe_done(pages, person, done, back=back, view="find"),
        failed=failed or {},
        seen=seen,
        back=back,
    )


_TOGGLES = {
    "weak": "No good related articles",
    "orphans": "In no list of the build",
    "overridden": "With pins or hides",
    "changed": "Changed in the last build",
}
_ORDERS: Mapping[str, str] = {
    SortOrder.WEAKEST: "weakest links first",
    SortOrder.FEWEST_LISTS: "fewest lists of the build first",
    SortOrder.MOST_LISTS: "most lists of the build first",
}
_FILTERS = ("standing", "language", "tag", *_TOGGLES)
UNKNOWN = "unknown"
"""The value of the URL parameter ``language`` that finds articles of unknown language."""


def read_query(given: Mapping[str, str]) -> SearchQuery:
    """Reads the conditions of a search from URL parameters; invalid values are ignored."""
    standing = given.get("standing")
    language, sort = given.get("language"), given.get("sort")
    return SearchQuery(
        words=given.get("q", "")[:MAX_QUERY],
        standing=VisibilityStatus(standing) if standing in set(VisibilityStatus) else None,
        language="" if language == UNKNOWN else language or None,
        tag=given.get("tag") or None,
        sort=SortOrder(sort) if sort in set(SortOrder) else None,
        **{name: given.get(name) == "1" for name in _TOGGLES},
    )


_CHECKED_PINS, _SHOWN_PINS = 1_000, 10
_SOON = 7 * 86_400_000_000


def find_weak_pins(view: ServingView, now: int, query: RelatedQuery) -> list[dict[str, Any]]:
    """Returns up to ten pins that need attention from editors.

    These pins have no effect now, will have none before they end, or end within a week.

    Args:
        view: The published build with the editors' decisions.
        now: The current time, in microseconds since 1970 UTC.
        query: What the site asks for by default: how many articles, and which.

    Returns:
        For each pin a dictionary: ``article_id`` and ``title`` of the article in whose list it is,
        ``target`` (the pinned article's title), ``trouble`` (why it has no effect, or empty), when
        it ``ends``, ``by_rule``, and ``pair`` (both ids as JSON).
    """
    pins = (pin for pin in view.state.in_force(now) if pin.kind is OverrideKind.PIN)
    found = []
    for pin in itertools.islice(pins, _CHECKED_PINS):
        alert = check_override(view, pin, now=now, query=query)
        if alert is not None or pin.until < now + _SOON:
            found.append(
                {
                    "pair": json.dumps([pin.article_id, pin.target_id]),
                    "article_id": pin.article_id,
                    "by_rule": is_rule(pin.article_id),
                    "title": name_scope(read_title(view.build, pin.article_id)),
                    "target": read_title(view.build, pin.target_id),
                    "trouble": "" if alert is None else alert.trouble,
                    "ends": pin.until,
                }
            )
    return found[:_SHOWN_PINS]


def read_single(query_string: bytes) -> dict[str, str]:
    """Parses a URL's query string; of several values of one name, the last is returned."""
    return {name: values[-1] for name, values in parse_query(query_string).items()}


def _hit(
    pages: EditorPages, view: ServingView, row: int, now: int, pinning: ArticleRow | None
) -> dict[str, Any]:
    """Returns what the page shows of a hit: the article, its link, its number of pins and hides.

    ``trouble`` says why one of the pins has no effect, or will have none before it ends.
    """
    item = read_article_row(view, row, now)
    if pinning is None:
        link = f"/editor/article?{urlencode({'id': item.article_id})}"
    else:
        pair = {"do": "pin", "id": pinning.article_id, "target": item.article_id}
        link = f"/editor/decide?{urlencode(pair)}"
    overrides = view.overrides(row, now)
    pins = sum(each.kind is OverrideKind.PIN for each in overrides)
    query, site_url = pages.context.query, pages.context.settings.site_url
    checked = (check_override(view, each, now=now, query=query) for each in overrides)
    hides = len(overrides) - pins
    decided = [f"{n} {name}{'s' * (n > 1)}" for n, name in ((pins, "pin"), (hides, "hide")) if n]
    everywhere = (each for each in view.state.overrides.get(EVERY, ()) if each.holds(now))
    if any(each.target_id == item.article_id and each.position is None for each in everywhere):
        decided.append("hidden in all lists")
    card = read_card(view.build.cards[row])
    return {
        "item": item,
        "pair": json.dumps([EVERY, item.article_id]),
        "link": link,
        "decided": ", ".join(decided),
        "trouble": next((alert.trouble for alert in checked if alert is not None), ""),
        "excerpt": card.excerpt,
        "image": card.image and site_address(site_url, card.image.src),
        "initial": first_letter(item.title),
    }


def _in_words(health: LinkHealth, closeness: Closeness, least: float) -> dict[str, str]:
    """Returns what the page says of how well an article is linked."""
    good = health.best >= least
    best = f"best link {closeness.word(health.best)}" if good else "no good related article"
    lists = {0: "no list", 1: "1 list"}.get(health.lists, f"{health.lists:,} lists")
    return {"health": f"{best}, in {lists} of the build"}


def _selects(
    query: SearchQuery, counts: SearchCounts
) -> list[tuple[str, str, list[dict[str, Any]], str]]:
    """Returns the label, the name, the options and the chosen value of each list to choose from."""
    language = UNKNOWN if query.language == "" else query.language or ""
    standings = {name.value: count for name, count in counts.standing.items()}
    languages = {name or UNKNOWN: count for name, count in counts.language.items()}
    return [
        (label, name, _options(found, chosen), chosen)
        for label, name, found, chosen in (
            ("Status", "standing", standings, query.standing or ""),
            ("Language", "language", languages, language),
            ("Tag", "tag", counts.tag, query.tag or ""),
        )
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
