"""All routers of the editors' pages."""

from __future__ import annotations

from fastapi import APIRouter

from index.settings import Settings
from service.api.desk import Desk
from service.api.drafts import Drafts
from service.editor.building import building_router
from service.editor.desk import Room
from service.editor.drafting import drafting_router
from service.editor.entering import entering_router
from service.editor.finding import finding_router
from service.editor.guests import Invitation, guests_router
from service.editor.history import history_router
from service.editor.looking import looking_router
from service.editor.pages import Pages
from service.editor.shipping import static_router
from service.editor.steering import steering_router


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
