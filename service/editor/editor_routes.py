"""All routers of the editors' pages."""

from __future__ import annotations

from fastapi import APIRouter

from service.api.api_context import Desk
from service.api.draft_routes import Drafts
from service.editor.article_page import looking_router
from service.editor.builds_page import building_router
from service.editor.decision_routes import steering_router
from service.editor.demo_login import Invitation, guests_router
from service.editor.draft_page import drafting_router
from service.editor.editor_context import Room
from service.editor.history_page import history_router
from service.editor.page_templates import Pages
from service.editor.search_page import finding_router
from service.editor.sign_in import entering_router
from service.editor.static_files import static_router
from service.settings import Settings


def editor_routers(
    desk: Desk, settings: Settings, drafts: Drafts, invitation: Invitation | None = None
) -> list[APIRouter]:
    """The routers.

    Args:
        desk: What the editors' routes read and change.
        settings: The effective settings.
        drafts: Relates texts that are in no build.
        invitation: Lets the first visitor of a demo in.
    """
    room, pages = Room(desk, settings), Pages(settings, desk.live)
    guests = [] if invitation is None else [guests_router(room, pages, invitation)]
    return [
        *guests,
        static_router(),
        entering_router(room, pages),
        finding_router(room, pages),
        looking_router(room, pages),
        steering_router(room, pages),
        history_router(room, pages),
        building_router(room, pages),
        drafting_router(room, pages, drafts),
    ]
