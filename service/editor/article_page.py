"""``/editor/article``: the page of one article, and a frame with its list as readers see it.

The list holds the article's related articles, which the site shows as "You May Also Like".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urljoin

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from service.editor.article_view import ArticleView, render_cards
from service.editor.editor_pages import EditorPages, find_row
from service.editor.labels import label_entry
from service.http.auth import Identity
from service.serving.selection import select


def show_article(
    pages: EditorPages, person: Identity, article_id: str, *, status: int = 200, **more: Any
) -> Response:
    """Renders the page of one article: its list of related articles and the decisions about it.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        article_id: The id of the article.
        status: The HTTP status.
        **more: Further values for the template: ``notice`` says what was just done, ``conflict``
            that another editor changed the list.
    """
    view = ArticleView(pages, person, article_id)
    site_address = _site_address(pages.context.settings.site_url, view.item.url)
    values = {"notice": None, "conflict": None, "site_address": site_address, **view.values()}
    return pages.render("article", person, here="find", status=status, **values | more)


def article_page_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of an article's page, and of the frame in it that shows the list."""
    router = pages.router()

    @router.get("/editor/article")
    def article(id: str = "", done: int = 0, person: Identity = Depends(pages.reader)) -> Response:
        notice = describe_done(pages, person, done, back=id)
        return show_article(pages, person, id, notice=notice)

    @router.get("/editor/cards", dependencies=[Depends(pages.reader)])
    def cards(id: str = "") -> Response:
        view, now = pages.view()
        row = find_row(view, id)
        chosen = select(view, row, now=now, query=pages.context.query)
        settings = pages.context.settings
        return pages.templates.frame(render_cards(settings, view, row, chosen), settings.site_url)

    return router


def back_to(article_id: str, seq: int) -> Response:
    """Returns a redirect to a page where a notice says what was just done.

    Args:
        article_id: The article whose page to open; if empty, the history page is opened.
        seq: The number of the audit entry that the notice describes.
    """
    if article_id:
        return RedirectResponse(
            f"/editor/article?{urlencode({'id': article_id, 'done': seq})}", 303
        )
    return RedirectResponse(f"/editor/history?done={seq}", 303)


def describe_done(
    pages: EditorPages, person: Identity, seq: int, *, back: str
) -> dict[str, Any] | None:
    """Returns the template values of the notice that says what the editor just did.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        seq: The number of the audit entry about it; 0 for none.
        back: The article whose page to open after an undo; empty for the history page.

    Returns:
        The values; ``None`` if there is no such entry, or another editor made it.
    """
    entry = pages.context.database().audit.get(seq) if seq > 0 else None
    if entry is None or entry.who != person.name:
        return None
    view = pages.context.view_or_none()
    label = label_entry(None if view is None else view.build, entry)
    return {"sentence": f"You {label}.", "undo": entry.seq, "back": back}


def _site_address(site_url: str | None, url: str) -> str | None:
    """Returns an article's full URL on the site; ``None`` if the site's address is unknown.

    Args:
        site_url: The setting ``site_url``, the address of the site's first page.
        url: The article's URL, which may be relative, such as ``/news/7``.
    """
    if url.startswith(("https://", "http://")):
        return url
    return None if site_url is None else urljoin(f"{site_url}/", url)
