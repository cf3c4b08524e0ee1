"""The FastAPI app: the API and the pages of editors and operators, and drafts.

Imported and composed late (:class:`service.http.middleware.LateApp`), as that takes longer than
everything else together.
"""

from __future__ import annotations

from importlib.metadata import version

from fastapi import Depends, FastAPI

from service.api.api_context import ApiContext
from service.api.batch_routes import batch_router
from service.api.documentation import add_documentation
from service.api.draft_routes import Drafts, drafts_router
from service.api.editorial import editorial_routers
from service.api.operation_routes import add_metrics
from service.decisions.poller import StatePoller
from service.editor.demo_login import Invitation
from service.editor.editor_routes import editor_routers
from service.http.error_handlers import add_error_handlers
from service.http.metrics import Metrics
from service.http.related_lists import RelatedLists
from service.roles import Role
from service.serving.live import Live
from service.settings import Settings


def compose_api(
    settings: Settings,
    live: Live,
    lists: RelatedLists,
    keeper: StatePoller,
    metrics: Metrics,
    invitation: Invitation | None,
) -> FastAPI:
    """The app.

    Args:
        settings: The effective settings.
        live: What is served.
        lists: Makes and caches related lists.
        keeper: Opens the database of editors' decisions.
        metrics: The service's figures.
        invitation: Lets the first visitor of a demo in as an editor.
    """
    app = FastAPI(
        title="AlsoLike",
        version=version("alsolike"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # an address has one spelling, and a redirect would quote Host
    )
    add_documentation(app, live, settings)
    if settings.metrics and settings.metrics_port is None:
        add_metrics(app, metrics)
    add_error_handlers(app)
    desk = ApiContext(live, settings, lambda: keeper.database)
    reading = [Depends(desk.auth.require(Role.READ))] if settings.read_token else []
    app.include_router(batch_router(live, lists, reading))
    drafts = Drafts(live, settings, desk.auth, metrics.queue.set)
    pages = editor_routers(desk, settings, drafts, invitation)
    for router in [*editorial_routers(desk), drafts_router(drafts), *pages]:
        app.include_router(router)
    return app
