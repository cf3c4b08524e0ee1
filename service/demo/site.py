"""The demo site: a page for every article, with a "You May Also Like" section.

The demo shows how a site uses AlsoLike. So it has its own port and uses the service only over HTTP:
its pages load the widget from the service's origin, or the demo's server includes the HTML fragment
in them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import socket
import urllib.request
from html import escape, unescape
from urllib.parse import quote

import uvicorn
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from index.articles.card import make_card
from index.errors import DatabaseError
from recommender.article import Article
from recommender.errors import SettingError
from service.api.documentation import page_policy
from service.app import create_app
from service.decisions.open_decisions import open_decisions
from service.demo.demo_content import DemoContent, is_visible, page_path
from service.editor.demo_login import Invitation, may_invite
from service.http.html_fragment import FragmentCard, make_fragment_card, templates
from service.http.logs import configure_logs
from service.server import GRACE_SECONDS, bind, http_protocol
from service.settings import Settings

_INCLUDE_SECONDS = 0.5


def create_demo_site(content: DemoContent, settings: Settings, service_url: str) -> Starlette:
    """Returns the app of the demo site.

    Args:
        content: The articles and the words of the site.
        settings: The effective settings, for time zone and locale.
        service_url: The URL of the service, without a slash at the end.
    """

    def render(template: str, **values: object) -> Response:
        html = templates.get_template(template).render(site=content, **values)
        return _page(html, service_url, "" if content.widget else " http: https:")

    def home(_: Request) -> Response:
        shown = [
            _teaser(article, settings)
            for article in content.articles.values()
            if is_visible(article)
        ]
        return render("demo_home.html", articles=shown)

    async def article(request: Request) -> Response:
        shown = content.articles.get(request.path_params["article_id"])
        if shown is None or not is_visible(shown):
            return PlainTextResponse("There is no such page.", 404)
        included = None
        if "include" in request.query_params or not content.widget:
            fragment = await run_in_threadpool(_include, service_url, shown.id)
            included = Markup(_with_local_links(fragment, content))  # noqa: S704 - escaped by the service
        return render(
            "demo_article.html",
            article=shown,
            teaser=_teaser(shown, settings),
            service_url=service_url,
            included=included,
        )

    pictures = (
        [] if content.images is None else [Mount("/images", StaticFiles(directory=content.images))]
    )
    return Starlette(routes=[Route("/", home), *pictures, Route("/{article_id:path}", article)])


def bind_demo(host: str, port: int, *, exact: bool) -> tuple[socket.socket, socket.socket]:
    """Binds the sockets of the service and of the demo site.

    Args:
        host: The address at which both listen.
        port: The port of the service; the demo site takes the next. 0 takes two free ports.
        exact: Whether to raise an error if a port is in use, instead of taking free ports.

    Returns:
        The socket of the service, then that of the demo site.

    Raises:
        SettingError: If the server can't listen on the address or port.
    """
    try:
        with contextlib.ExitStack() as undo:
            service = undo.enter_context(bind(host, port))
            site = bind(host, port + 1 if 0 < port < 65535 else 0)
            undo.pop_all()
            return service, site
    except SettingError:
        if exact or port == 0:
            raise
        return bind_demo(host, 0, exact=exact)


def run_demo(
    content: DemoContent, settings: Settings, service: socket.socket, site: socket.socket
) -> None:
    """Runs the service and the demo site in one process until interrupted.

    Args:
        content: The articles and the words of the site.
        settings: The effective settings.
        service: The bound socket of the service.
        site: The bound socket of the demo site.
    """
    configure_logs()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # the addresses are printed below
    service_url, site_url = _url(service), _url(site)
    article = f"{site_url}/{quote(content.first)}"
    invitation = _invite(settings, service)
    entrance = "" if invitation is None else f"/enter?key={invitation.key}  (works once)"
    places = {
        "The demo site, click through it:" if content.widget else "The preview:": f"{site_url}/",
        "  one article, widget:" if content.widget else "  one article:": article,
        "  the same, included on the server:": f"{article}?include" if content.widget else "",
        "Related articles as JSON:": f"{service_url}/v1/related?id={quote(content.first, safe='')}",
        "The API's documentation:": f"{service_url}/docs",
        "The editors' pages:": f"{service_url}/editor{entrance}",
    }
    lines = [f"{label:39}{place}" for label, place in places.items() if place]
    print("", *lines, "Stop with Ctrl+C.", "", sep="\n", flush=True)  # noqa: T201 - the demo's result
    seen = settings.model_copy(update={"site_url": settings.site_url or site_url})
    apps = _ByPort(
        create_app(seen, invitation),
        create_demo_site(content, settings, service_url),
        site.getsockname()[1],
    )
    server = uvicorn.Server(
        uvicorn.Config(
            apps,
            http=http_protocol(),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[service, site])


def _invite(settings: Settings, service: socket.socket) -> Invitation | None:
    """Returns the secret for a link with which the first visitor can sign in as an editor.

    Returns ``None`` if the service can be reached from other machines, if an editor other than the
    guest has an account, or if the database can't be opened.
    """
    local = ipaddress.ip_address(service.getsockname()[0]).is_loopback
    if not local:
        return None
    try:
        database = open_decisions(settings)
    except DatabaseError:  # the service logs the reason, and runs without decisions
        return None
    try:
        return Invitation() if may_invite(database) else None
    finally:
        database.close()


class _ByPort:
    """Passes each request to the service or the demo site, by the port on which it arrived."""

    def __init__(self, service: ASGIApp, site: ASGIApp, site_port: int) -> None:
        self._service = service
        self._site = site
        self._site_port = site_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the app of its port.

        When the server starts and stops, only the service is told (ASGI lifespan).
        """
        to_site = scope["type"] == "http" and scope["server"][1] == self._site_port
        await (self._site if to_site else self._service)(scope, receive, send)


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _teaser(article: Article, settings: Settings) -> FragmentCard:
    """Returns what the demo shows about an article on the home page and on the article's page."""
    card = make_card(article, excerpt="")
    card.url = page_path(article)
    return make_fragment_card(card, article.language, settings.locale)


def _page(html: str, service_url: str, images: str) -> HTMLResponse:
    """Returns an HTML page with the strictest content security policy that lets the widget run.

    Args:
        html: The page.
        service_url: The origin of the widget.
        images: Further places from which images may come.
    """
    policy = page_policy(
        html,
        styles=service_url,
        more=f"script-src {service_url}; connect-src {service_url}; img-src 'self' data:{images}",
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def _with_local_links(fragment: str, content: DemoContent) -> str:
    """Lets cards lead to the pages of the demo site rather than to those of the real one."""

    def local(found: re.Match[str]) -> str:
        return f'href="{escape(content.local.get(unescape(found[1]), unescape(found[1])))}"'

    return re.sub(r'href="([^"]*)"', local, fragment) if content.local else fragment


def _include(service_url: str, article_id: str) -> str:
    """Fetches an article's "You May Also Like" section from the service, to include it in a page.

    Returns an empty text if the service can't answer.
    """
    url = f"{service_url}/v1/related.html?id={quote(article_id, safe='')}"
    try:
        with urllib.request.urlopen(url, timeout=_INCLUDE_SECONDS) as answer:  # noqa: S310 - our own
            body: bytes = answer.read()
    except OSError:  # includes error statuses and time-outs
        return ""
    return body.decode()
