"""All routers of the editors' pages."""

from __future__ import annotations

from fastapi import APIRouter

from index.settings import Settings
from service.editor.desk import Room
from service.editor.entering import entering_router
from service.editor.finding import finding_router
from service.editor.looking import looking_router
from service.editor.pages import Pages
from service.editor.shipping import static_router
from service.editor.steering import steering_router
from service.editorial import Desk


def editor_routers(desk: Desk, settings: Settings) -> list[APIRouter]:
    """The routers.

    Args:
        desk: What the editors' routes read and change.
        settings: The effective settings.
    """
    room, pages = Room(desk, settings), Pages(settings)
    return [
        static_router(),
        entering_router(room, pages),
        finding_router(room, pages),
        looking_router(room, pages),
        steering_router(room, pages),
    ]
