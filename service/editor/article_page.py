"""``/editor/article``: one article's page, and the frame with its cards as the site shows them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from fastapi import APIRouter, Depends
from starlette.responses import Response

from service.editor.article_view import ArticleView, cards_of
from service.editor.editor_context import EditorContext
from service.editor.labels import label_entry
from service.editor.page_templates import PageTemplates, page_route
from service.http.auth import Identity
from service.http.problems import ProblemError
from service.serving.selection import select


def show_article(
    room: EditorContext,
    pages: PageTemplates,
    person: Identity,
    article_id: str,
    *,
    status: int = 200,
    **more: Any,
) -> Response:
    """The page of one article.

    Args:
        room: Where to look.
        pages: Renders it.
        person: Who looks.
        article_id: The article.
        status: HTTP status.
        **more: ``notice`` or ``conflict``, if there is one.
    """
    look = ArticleView(room, pages, person, article_id)
    site = room.settings.site_url
    values = look.values()
    values["outside"] = _outside(site, look.item.url)
    return pages.render(
        "article",
        person,
        here="find",
        status=status,
        **{"notice": None, "conflict": None} | values | more,
    )


def article_page_router(room: EditorContext, pages: PageTemplates) -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False, route_class=page_route(pages, room.identify))

    @router.get("/editor/article")
    def article(
        id: str = "",
        done: int = 0,
        person: Identity = Depends(room.reader),
    ) -> Response:
        notice = describe_done(room, person, done, back=id)
        return show_article(room, pages, person, id, notice=notice)

    @router.get("/editor/cards")
    def cards(
        id: str = "",
        _: Identity = Depends(room.reader),
    ) -> Response:
        served, now = room.look()
        row = served.build.row(id)
        if row is None:
            raise ProblemError(404, f"build {served.build.name} has no article {id[:80]!r}")
        chosen = select(served, row, now=now, query=room.query)
        return pages.frame(cards_of(room, served, row, chosen), room.settings.site_url)

    return router


def describe_done(
    room: EditorContext, person: Identity, seq: int, *, back: str
) -> dict[str, Any] | None:
    """What a form that led here just did, from the audit trail; ``None`` if it was none of hers."""
    entry = room.desk.database().audit.get(seq) if seq > 0 else None
    if entry is None or entry.who != person.name:
        return None
    served = room.desk.find_served()
    sentence = label_entry(None if served is None else served.build, entry)
    return {"sentence": f"You {sentence}.", "undo": entry.seq, "back": back}


def _outside(site_url: str | None, url: str) -> str | None:
    """The article's address on the site; ``None`` where that is not known."""
    if url.startswith(("https://", "http://")):
        return url
    return None if site_url is None else urljoin(f"{site_url}/", url)
