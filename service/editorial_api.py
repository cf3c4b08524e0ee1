"""All that an editors' page of a site's own needs over HTTP; ours uses the same."""

from __future__ import annotations

from fastapi import APIRouter

from service.articles_api import articles_router
from service.builds_api import builds_router
from service.editorial import Desk
from service.overrides_api import overrides_router
from service.records_api import records_router
from service.visibility_api import visibility_router


def editorial_routers(desk: Desk) -> list[APIRouter]:
    """The routers, in the order in which people read about them."""
    return [
        articles_router(desk),
        overrides_router(desk),
        visibility_router(desk),
        records_router(desk),
        builds_router(desk),
    ]
