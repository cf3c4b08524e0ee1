"""All that an editors' page of a site's own needs over HTTP; ours uses the same."""

from __future__ import annotations

from fastapi import APIRouter

from service.api.api_context import ApiContext
from service.api.article_routes import articles_router
from service.api.build_routes import builds_router
from service.api.judgment_routes import records_router
from service.api.override_routes import overrides_router
from service.api.takedown_routes import visibility_router


def editorial_routers(desk: ApiContext) -> list[APIRouter]:
    """The routers, in the order in which people read about them."""
    return [
        articles_router(desk),
        overrides_router(desk),
        visibility_router(desk),
        records_router(desk),
        builds_router(desk),
    ]
