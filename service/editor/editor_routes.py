"""All routers of the editors' pages."""

from __future__ import annotations

from fastapi import APIRouter

from service.api.api_context import ApiContext
from service.api.draft_routes import Drafts
from service.editor.article_page import article_page_router
from service.editor.builds_page import builds_page_router
from service.editor.decision_routes import decision_router
from service.editor.demo_login import Invitation, demo_login_router
from service.editor.draft_page import draft_page_router
from service.editor.editor_context import EditorContext
from service.editor.history_page import history_router
from service.editor.page_templates import PageTemplates
from service.editor.search_page import search_router
from service.editor.sign_in import sign_in_router
from service.editor.static_files import static_router
from service.settings import Settings


def editor_routers(
    desk: ApiContext, settings: Settings, drafts: Drafts, invitation: Invitation | None = None
) -> list[APIRouter]:
    """The routers.

    Args:
        desk: What the editors' routes read and change.
        settings: The effective settings.
        drafts: Relates texts that are in no build.
        invitation: Lets the first visitor of a demo in.
    """
    room, pages = EditorContext(desk, settings), PageTemplates(settings, desk.live)
    guests = [] if invitation is None else [demo_login_router(room, pages, invitation)]
    return [
        *guests,
        static_router(),
        sign_in_router(room, pages),
        search_router(room, pages),
        article_page_router(room, pages),
        decision_router(room, pages),
        history_router(room, pages),
        builds_page_router(room, pages),
        draft_page_router(room, pages, drafts),
    ]
