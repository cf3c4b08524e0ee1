"""All that is no page view: pages and API of editors, operators and drafts, as a FastAPI app.

Imported and composed late (:mod:`service.http.late_app`), as it takes longer than all else
together.
"""

from __future__ import annotations

from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.api.api_context import ApiContext
from service.api.batch_routes import batch_router
from service.api.documentation import add_documentation
from service.api.draft_routes import Drafts, drafts_router
from service.api.editorial import editorial_routers
from service.api.operation_routes import add_metrics, add_operations
from service.decisions.poller import StatePoller
from service.editor.demo_login import Invitation
from service.editor.editor_routes import editor_routers
from service.http.error_handlers import add_error_handlers
from service.http.metrics import Metrics
from service.http.problems import MEDIA_TYPE, ProblemError, server_error
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
    add_documentation(app, live, settings)
    add_operations(app, live)
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
