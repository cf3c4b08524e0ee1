"""Composes the FastAPI app: editors' API and pages, drafts, documentation and metrics.

Requests for related lists don't go through it. It is imported and composed in the background (by
:class:`service.http.middleware.LateApp`), because that takes longer than the rest of the start.
"""

from importlib.metadata import version

from fastapi import Depends, FastAPI

from service.api.article_routes import articles_router
from service.api.batch_routes import batch_router
from service.api.build_routes import builds_router
from service.api.draft_routes import Drafts, drafts_router
from service.api.ghost_routes import webhook_router
from service.api.judgment_routes import judgments_router
from service.api.link_routes import links_router
from service.api.openapi import add_documentation
from service.api.operation_routes import add_metrics
from service.api.override_routes import overrides_router
from service.api.push_routes import make_push_limit, push_router
from service.api.takedown_routes import takedowns_router
from service.curation.pushed_articles import PushedArticles
from service.editor.article_page import article_page_router
from service.editor.builds_page import builds_page_router
from service.editor.bulk_page import bulk_router
from service.editor.clicks_page import clicks_page_router
from service.editor.decision_page import decision_router
from service.editor.draft_page import draft_page_router
from service.editor.editor_pages import EditorPages
from service.editor.history_page import history_router
from service.editor.links_page import links_page_router
from service.editor.rules_page import rules_page_router
from service.editor.search_page import search_router
from service.editor.sign_in import Invitation, demo_login_router, sign_in_router
from service.http.editorial_context import EditorialContext
from service.http.error_handlers import add_error_handlers
from service.http.metrics import Metrics
from service.http.related_lists import RelatedLists
from service.http.static_files import LOOK, STATIC, add_static_file
from service.roles import Role
from service.serving.live import Live


def compose_api(
    live: Live, lists: RelatedLists, metrics: Metrics, invitation: Invitation | None
) -> FastAPI:
    """Creates the FastAPI app and adds all its routes.

    Args:
        live: Holds the build that the service serves now.
        lists: Makes and caches the responses with related lists.
        metrics: Collects the service's figures for Prometheus.
        invitation: The secret of the link with which a demo's first visitor signs in as an editor;
            ``None`` outside a demo.
    """
    settings = lists.settings
    app = FastAPI(
        title="AlsoLike",
        version=version("alsolike"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # each page has one URL, and a redirect would quote the Host
    )
    add_documentation(app, live, settings)
    if settings.metrics and settings.metrics_port is None:
        add_metrics(app, metrics)
    context = EditorialContext(live, settings)
    pages = EditorPages(context)
    add_error_handlers(app, pages.templates.problem)
    reading = [Depends(context.auth.require(Role.READ))] if settings.read_token else []
    app.include_router(batch_router(live, lists, reading))
    pushes = PushedArticles(context.database, live, settings)
    push_limit = make_push_limit(context)
    drafts = Drafts(context, metrics.queue.set)
    if invitation is not None:
        app.include_router(demo_login_router(pages, invitation))
    for router in [
        articles_router(context),
        overrides_router(context),
        takedowns_router(context),
        judgments_router(context),
        builds_router(context),
        push_router(context, pushes, push_limit),
        webhook_router(context, pushes, push_limit),
        drafts_router(drafts),
        links_router(context, drafts),
        sign_in_router(pages),
        search_router(pages),
        bulk_router(pages),
        article_page_router(pages),
        decision_router(pages),
        links_page_router(pages),
        rules_page_router(pages),
        history_router(pages),
        builds_page_router(pages),
        clicks_page_router(pages),
        draft_page_router(pages, drafts),
    ]:
        app.include_router(router)
    for file in [*(STATIC / "editor").iterdir(), LOOK]:
        path = f"/editor/static/{file.name}"
        add_static_file(app, path, file, {"Cache-Control": "no-cache"}, include_in_schema=False)
    return app
