"""The demo site: a page for every article, with a "You May Also Like" section.

The demo shows how a site uses AlsoLike. So it has its own port and uses the service only over HTTP:
its pages load the widget from the service's origin, or the demo's server includes the HTML fragment
in them.
"""

import contextlib
import importlib.resources
import ipaddress
import logging
import re
import socket
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

import uvicorn
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from index.articles.card import make_card
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.build.build import Build
from index.errors import DatabaseError
from index.sources.jsonl_source import JsonlSource
from recommender.article import Article
from recommender.errors import SettingError
from recommender.visibility import utc_now, window
from service.app import create_app
from service.decisions.open_decisions import open_decisions
from service.editor.sign_in import Invitation, may_invite
from service.http.content_policy import page_policy
from service.http.html_fragment import FragmentCard, make_fragment_card, templates
from service.http.logs import configure_logs
from service.server import bind, uvicorn_config
from service.settings import Settings

SAMPLE = Path(str(importlib.resources.files("index") / "sample"))
SAMPLE_SOURCE = SAMPLE / "articles.jsonl"
SAMPLE_ARTICLE = "cooler-streets-1-one-broad-crown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoContent:
    """The articles and the texts of a demo site.

    Attributes:
        name: The site's name.
        motto: A short text beside the name at the top of each page.
        heading: The heading of the home page.
        intro: The text below the heading of the home page.
        articles: All articles by id, the newest first.
        first: The id of the article whose page is shown first.
        widget: Whether pages load the list by the widget's script; else, or with ``?include`` in
            the address, the server includes the list.
        images: The folder of the images that the site serves; ``None`` if it serves none.
        local: By an article's URL on the real site, the path of its page on the demo site.
    """

    name: str
    motto: str
    heading: str
    intro: str
    articles: Mapping[str, Article]
    first: str
    widget: bool = True
    images: Path | None = None
    local: Mapping[str, str] = field(default_factory=dict)


def sample_content(settings: Settings) -> DemoContent:
    """Returns the articles of the sample corpus with the texts of an invented news site.

    Args:
        settings: The effective settings, of which the time zone is used.
    """
    mapping = FieldMapping(url_template="/{id}", timezone=settings.zone)
    records = JsonlSource(str(SAMPLE_SOURCE)).records()
    return DemoContent(
        name="The Lindholt Digest",
        motto="Fiction in the manner of research news",
        heading="Latest summaries",
        intro="A demo site for AlsoLike. Everything here is invented. Open an article and follow "
        "its “You May Also Like”.",
        articles=_newest_first(
            article for article, _ in parse_records(records, mapping, ReadReport())
        ),
        first=SAMPLE_ARTICLE,
        images=SAMPLE / "images",
    )


def build_content(build: Build, name: str, first: str) -> DemoContent:
    """Returns the articles of a build, for a demo site that previews the site with its lists.

    Args:
        build: The build.
        name: The site's name.
        first: The id of the article whose page is shown first.
    """
    articles = _newest_first(build.articles)
    return DemoContent(
        name=name,
        motto="A preview by AlsoLike",
        heading="Articles",
        intro="Open an article: its related articles stand below its text.",
        articles=articles,
        first=first,
        widget=False,
        local={article.url: page_path(article) for article in articles.values()},
    )


def page_path(article: Article) -> str:
    """Returns the path of an article's page on the demo site."""
    return "/" + quote(article.id)


def is_visible(article: Article) -> bool:
    """Tells whether readers may see an article now."""
    start, end = window(article)
    return start <= utc_now() < end


def _newest_first(articles: Iterable[Article]) -> dict[str, Article]:
    newest = sorted(
        articles, key=lambda article: (str(article.date or ""), article.id), reverse=True
    )
    return {article.id: article for article in newest}


_INCLUDE_SECONDS = 0.5


def create_demo_site(content: DemoContent, settings: Settings, service_url: str) -> Starlette:
    """Returns the web application of the demo site.

    Args:
        content: The articles and the texts of the site.
        settings: The effective settings, for time zone and locale.
        service_url: The URL of the service, without a slash at the end.
    """

    def render(template: str, **values: object) -> Response:
        html = templates.get_template(template).render(site=content, **values)
        images = "" if content.widget else " http: https:"
        service = f"{service_url}/"  # without the slash, a path would allow itself alone
        sources = f"script-src {service}; connect-src {service}"
        policy = page_policy(html, styles=service, more=f"{sources}; img-src 'self' data:{images}")
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

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
        content: The articles and the texts of the site.
        settings: The effective settings.
        service: The bound socket of the service.
        site: The bound socket of the demo site.
    """
    configure_logs()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # the addresses are printed below
    service_url, site_url = _url(service) + settings.path_prefix, _url(site)
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
        "  what you follow, counted:": f"{service_url}/editor/clicks" if content.widget else "",
    }
    lines = [f"{label:39}{place}" for label, place in places.items() if place]
    print("", *lines, "Stop with Ctrl+C.", "", sep="\n", flush=True)  # noqa: T201 - the demo's result
    shown = {"site_url": site_url, "clicks": settings.clicks or content.widget}
    seen = settings.model_copy(update=shown)
    apps = create_app(seen, invitation), create_demo_site(content, settings, service_url)
    site_port = site.getsockname()[1]

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        # When the server starts and stops, only the service is told (ASGI lifespan).
        to_site = scope["type"] == "http" and scope["server"][1] == site_port
        await apps[to_site](scope, receive, send)

    server = uvicorn.Server(uvicorn_config(by_port, log_config=None))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[service, site])


def _invite(settings: Settings, service: socket.socket) -> Invitation | None:
    """Returns the secret for a link with which the first visitor can sign in as an editor.

    Returns ``None`` if the service can be reached from other machines, if an editor other than the
    guest has an account, or if the database can't be opened.
    """
    if not ipaddress.ip_address(service.getsockname()[0]).is_loopback:
        return None
    try:
        with contextlib.closing(open_decisions(settings)) as database:
            return Invitation() if may_invite(database) else None
    except DatabaseError:  # the service logs the reason, and runs without decisions
        return None


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _teaser(article: Article, settings: Settings) -> FragmentCard:
    """Returns what the demo shows about an article on the home page and on the article's page."""
    card = make_card(article, excerpt="")
    card.url = page_path(article)
    return make_fragment_card(card, article.language, settings.locale)


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
