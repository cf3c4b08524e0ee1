"""All that is no page view: pages and API of editors, operators and drafts, as a FastAPI app.

Imported and composed late (:mod:`service.late`), as it takes longer than all else together.
"""

from __future__ import annotations

from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from index.roles import Role
from index.settings import Settings
from service.api.batch import batch_router
from service.api.desk import Desk
from service.api.drafts import Drafts, drafts_router
from service.api.editorial import editorial_routers
from service.api.failures import add_failures
from service.api.operations import add_metrics, add_operations
from service.api.pages import add_pages
from service.decisions.keeper import StateKeeper
from service.editor.guests import Invitation
from service.editor.routes import editor_routers
from service.live import Live
from service.metrics import Metrics
from service.problems import MEDIA_TYPE, ProblemError, server_error
from service.site.lists import RelatedLists


def compose_api(
    settings: Settings,
    live: Live,
    lists: RelatedLists,
    keeper: StateKeeper,
    metrics: Metrics,
    invitation: Invitation | None,
) -> FastAPI:
    """The app.

    Args:
        settings: The effective settings.
        live: What is served.
        lists: Makes and keeps related lists.
        keeper: Knows what editors decided, and where that is kept.
        metrics: The figures.
        invitation: Lets the first visitor of a demo in as an editor.
    """
    app = FastAPI(
        title="AlsoLike",
        version=version("alsolike"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # an address of ours has one spelling, and Host would be in it
    )
    add_pages(app, live, settings)
    add_operations(app, live)
    if settings.metrics and settings.metrics_port is None:
        add_metrics(app, metrics)
    add_failures(app)
    desk = Desk(live, settings, lambda: keeper.database)
    reading = [Depends(desk.auth.require(Role.READ))] if settings.read_token else []
    app.include_router(batch_router(live, lists, reading))
    drafts = Drafts(live, settings, desk.auth, metrics.queue.set)
    pages = editor_routers(desk, settings, drafts, invitation)
    for router in [*editorial_routers(desk), drafts_router(drafts), *pages]:
        app.include_router(router)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _failed)
    return app


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this type only
    return Response(error.body(), error.status, error.headers, media_type=MEDIA_TYPE)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"there is nothing at {request.scope['path'][:80]}; /docs says what there is"
    problem = ProblemError(error.status_code, detail)
    return Response(problem.body(), problem.status, error.headers, media_type=MEDIA_TYPE)


async def _failed(_: Request, __: Exception) -> Response:
    problem = server_error()
    return Response(problem.body(), problem.status, media_type=MEDIA_TYPE)
