"""All that an editors' page of a site's own needs over HTTP; ours uses the same."""

from __future__ import annotations

from fastapi import APIRouter

from service.api.articles import articles_router
from service.api.builds import builds_router
from service.api.desk import Desk
from service.api.overrides import overrides_router
from service.api.records import records_router
from service.api.visibility import visibility_router


def editorial_routers(desk: Desk) -> list[APIRouter]:
    """The routers, in the order in which people read about them."""
    return [
        articles_router(desk),
        overrides_router(desk),
        visibility_router(desk),
        records_router(desk),
        builds_router(desk),
    ]
