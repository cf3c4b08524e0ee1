"""From a template to a response: filters, headers, and errors as pages."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import importlib.resources
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from babel.dates import format_datetime
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from recommender.errors import AlsoLikeError
from recommender.visibility import NEVER, microseconds
from service.http.auth import Identity
from service.http.error_handlers import problem_of
from service.http.problems import ProblemError
from service.serving.live import Live
from service.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_CARDS_STYLE = (importlib.resources.files("service") / "static" / "widget.css").read_text() + (
    ":root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }\n"
    "body { margin: 0; padding: 1px; }\n"
    ".alsolike { margin: 0; }\n"
)
"""The widget's, on a page as plain as can be."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class PageTemplates:
    """Renders pages.

    Args:
        settings: For the zone in which times are told.
        live: Says what every page has to say at its top.
    """

    def __init__(self, settings: Settings, live: Live) -> None:
        self._zone = settings.zone
        self._templates = Environment(
            loader=PackageLoader("service"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            iso=self._iso, when=self.when, query=_query, number=_number, speak=_speak, day=self._day
        )
        self._templates.globals.update(
            static=lambda name: f"/editor/static/{name}",
            unsaved=lambda: live.keeper.kept.unsaved is not None,
        )

    def render(
        self,
        template: str,
        person: Identity | None,
        *,
        here: str = "",
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """A page.

        Args:
            template: Its name in ``templates/editor``, without ``.html``.
            person: Who looks.
            here: Which of the main pages it belongs to.
            status: HTTP status.
            **values: For the template.
        """
        page = self._templates.get_template(f"editor/{template}.html")
        content = page.render(person=person, here=here, **values)
        return HTMLResponse(
            content.encode(errors="replace"),
            status,
            HEADERS,  # titles may hold lone surrogates
        )

    def frame(self, cards: bytes, site_url: str | None) -> HTMLResponse:
        """A document of its own around a section, byte by byte, for a frame.

        It has the site's address as its base, so that pictures and links are the site's, and the
        widget's style and no other; nothing in it can run, or reach the page around it.

        Args:
            cards: The section.
            site_url: Where the site is, without a slash at the end, if known.
        """
        page = self._templates.get_template("editor/cards.html")
        content = page.render(
            cards=Markup(cards.decode()),  # noqa: S704 - escaped where it was made
            style=Markup(_CARDS_STYLE),  # noqa: S704 - ours
            site_url=site_url,
        )
        policy = (
            "sandbox allow-same-origin allow-popups; default-src 'none'; "
            f"style-src 'sha256-{_digest(_CARDS_STYLE)}'; img-src 'self' http: https: data:; "
            f"base-uri {_origin(site_url)}; form-action 'none'; frame-ancestors 'self'"
        )
        return HTMLResponse(content.encode(), headers=HEADERS | {"Content-Security-Policy": policy})

    def problem(self, problem: ProblemError, person: Identity | None) -> HTMLResponse:
        """An error as a page."""
        answer = self.render(
            "problem",
            person,
            status=problem.status,
            title=HTTPStatus(problem.status).phrase,
            detail=problem.detail,
        )
        for name, value in (problem.headers or {}).items():
            answer.headers[name] = value
        return answer

    def when(self, instant: int) -> str:
        """A moment for people."""
        local = self.local(instant)
        return "no end" if local is None else format_datetime(local, "d MMM y, HH:mm", locale="en")

    def local(self, instant: int) -> dt.datetime | None:
        """A moment in the setting ``timezone``; ``None`` beyond the calendar."""
        try:
            return (_EPOCH + dt.timedelta(microseconds=instant)).astimezone(self._zone)
        except (OverflowError, ValueError):
            return None

    def _day(self, text: str) -> str:
        """A moment in ISO 8601 for people."""
        return self.when(microseconds(dt.datetime.fromisoformat(text)))

    def _iso(self, instant: int) -> str:
        local = None if instant == NEVER else self.local(instant)
        return "" if local is None else local.isoformat(timespec="seconds")


def whole_number(name: str, text: str) -> int:
    """A parameter that counts from 1.

    Raises:
        ProblemError: 422 for anything else.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and int(text)):
        raise ProblemError(422, f"{name} is {text[:20]!r}, not a number from 1", field=name)
    return int(text)


def page_route(
    pages: PageTemplates, identify: Callable[[Request], Identity | None]
) -> type[APIRoute]:
    """A route class whose errors are pages, and that leads whoever is unknown to the sign-in."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
            handle = super().get_route_handler()

            async def handler(request: Request) -> Response:
                try:
                    return await handle(request)
                except ProblemError as error:
                    problem = error
                except AlsoLikeError as error:
                    problem = problem_of(error)
                except RequestValidationError as error:
                    first = error.errors()[0]
                    place = ".".join(str(part) for part in first["loc"][1:])
                    problem = ProblemError(422, f"{place[:80]}: {first['msg']}")
                if problem.status == 401:
                    return RedirectResponse(f"/editor/sign-in?next={_return_to(request)}", 303)
                person = await run_in_threadpool(_known, identify, request)
                return pages.problem(problem, person)

            return handler

    return PageRoute


def _known(identify: Callable[[Request], Identity | None], request: Request) -> Identity | None:
    try:
        return identify(request)
    except (ProblemError, AlsoLikeError):
        return None


def _return_to(request: Request) -> str:
    if request.method != "GET":
        return "/editor"
    query = request.scope["query_string"].decode("latin-1")
    return quote(request.scope["path"] + (f"?{query}" if query else ""), safe="")


def _query(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _number(value: int) -> str:
    return f"{value:,}"


def _speak(language: str | None) -> Markup:
    """The attribute for text that is in an article's language."""
    return Markup(' lang="{}" dir="auto"').format(language) if language else Markup(' dir="auto"')


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _origin(site_url: str | None) -> str:
    if site_url is None:
        return "'none'"
    parts = urlsplit(site_url)
    return f"{parts.scheme}://{parts.netloc}"
