"""The demo site: every sample article as a page with its "You May Also Like" in place.

It stands for the site that uses AlsoLike, so it runs on a port of its own and knows the service
only over HTTP: pages embed the widget from another origin, or include the fragment on the server.
"""

from __future__ import annotations

import asyncio
import importlib.resources
import logging
import mimetypes
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import uvicorn
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from index.articles import FieldMapping, ReadReport, read_articles
from index.settings import Settings
from index.sources.jsonl import JsonlSource
from recommender.article import Article, Status
from service.app import create_app
from service.fragment import find_locale, make_card, templates
from service.server import configure_logs

SAMPLE = Path(str(importlib.resources.files("index") / "sample"))
SAMPLE_SOURCE = SAMPLE / "articles.jsonl"
SAMPLE_ARTICLE = "sourdough-proof-temperature-sour"

_INCLUDE_SECONDS = 0.5


def create_demo_site(settings: Settings, service_url: str) -> Starlette:
    """The demo site's app.

    Args:
        settings: For the zone and locale.
        service_url: Where the service answers, without a slash at the end.
    """
    articles = {article.id: article for article in _sample(settings)}
    shown = [article for article in articles.values() if article.status is Status.PUBLISHED]
    shown = [article for article in shown if article.visible_from is None]

    def home(_: Request) -> Response:
        page = templates.get_template("demo_home.html")
        ordered = sorted(shown, key=lambda article: (str(article.date), article.id), reverse=True)
        return HTMLResponse(page.render(articles=[_teaser(a, settings) for a in ordered]))

    async def article(request: Request) -> Response:
        found = articles.get(request.path_params["article_id"])
        if found is None or found not in shown:
            return PlainTextResponse("There is no such page.", 404)
        included = None
        if "include" in request.query_params:
            included = await run_in_threadpool(_include, service_url, found.id)
        page = templates.get_template("demo_article.html")
        return HTMLResponse(
            page.render(
                article=found,
                teaser=_teaser(found, settings),
                service_url=service_url,
                included=None if included is None else Markup(included),  # noqa: S704 - escaped by the service
            )
        )

    def image(request: Request) -> Response:
        path = SAMPLE / "images" / Path(request.path_params["name"]).name
        if not path.is_file():
            return PlainTextResponse("There is no such picture.", 404)
        kind, _ = mimetypes.guess_type(path.name)
        return Response(path.read_bytes(), media_type=kind)

    return Starlette(
        routes=[
            Route("/", home),
            Route("/images/{name}", image),
            Route("/{article_id:path}", article),
        ]
    )


def run_demo(settings: Settings) -> None:
    """Serve the service and the demo site side by side until interrupted."""
    configure_logs()
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    service_url = f"http://{settings.host}:{settings.port}"
    site_url = f"http://{settings.host}:{settings.port + 1}"
    article = f"{site_url}/{SAMPLE_ARTICLE}"
    print(  # noqa: T201 - the demo's result
        f"\nThe demo site, click through it:       {site_url}/\n"
        f"  one article, widget:                 {article}\n"
        f"  the same, included on the server:    {article}?include\n"
        f"Related articles as JSON:              "
        f"{service_url}/v1/related?id={SAMPLE_ARTICLE}\n"
        f"The API's documentation:               {service_url}/docs\n"
        "Stop with Ctrl+C.\n",
        flush=True,
    )
    asyncio.run(_serve_both(settings, service_url))


async def _serve_both(settings: Settings, service_url: str) -> None:
    servers = [
        uvicorn.Server(
            uvicorn.Config(app, host=settings.host, port=port, log_config=None, access_log=False)
        )
        for app, port in (
            (create_app(settings), settings.port),
            (create_demo_site(settings, service_url), settings.port + 1),
        )
    ]
    await asyncio.gather(*(server.serve() for server in servers))


def _sample(settings: Settings) -> list[Article]:
    mapping = FieldMapping(fields={}, url_template="/{id}", timezone=settings.zone)
    source = JsonlSource(str(SAMPLE_SOURCE))
    return [article for article, _ in read_articles(source, mapping, ReadReport())]


def _teaser(article: Article, settings: Settings) -> dict[str, str | None]:
    """What the home page and the head of an article show, with the date in its language."""
    values = {
        "title": article.title,
        "url": "/" + quote(article.id, safe=""),
        "excerpt": "",
        "image": None,
        "date": None if article.date is None else article.date.isoformat(),
    }
    card = make_card(values, article.language, settings.locale)
    spoken = find_locale(article.language)
    return {
        "title": card.title,
        "url": card.url,
        "date": card.date,
        "printed_date": card.printed_date,
        "language": None if spoken is None else spoken.language,
    }


def _include(service_url: str, article_id: str) -> str:
    """What a server-side include does: the fragment or, if the service is away, nothing."""
    url = f"{service_url}/v1/related.html?id={quote(article_id, safe='')}"
    try:
        with urllib.request.urlopen(url, timeout=_INCLUDE_SECONDS) as answer:  # noqa: S310 - our own
            body: bytes = answer.read()
    except (urllib.error.URLError, TimeoutError):
        return ""
    return body.decode()
