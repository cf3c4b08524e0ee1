"""What the routes of all editors' pages share: templates, access checks, errors shown as pages."""

import functools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from index.build.build import Build
from index.errors import DatabaseError
from recommender.errors import AlsoLikeError
from service.clicks.click_figures import ClickFigures, first_day
from service.clicks.click_store import ClickStore, open_clicks
from service.clicks.comparison_findings import ComparisonFinder
from service.curation.link_texts import Closeness
from service.editor.kept_form import KeptForm
from service.editor.labels import capitalized
from service.editor.page_templates import PageTemplates
from service.http.auth import ANYONE, Identity, StaleFormError
from service.http.editorial_context import EditorialContext
from service.http.error_handlers import problem_of
from service.http.middleware import REFUSED
from service.http.problems import ProblemError
from service.invalid_values import describe_invalid
from service.roles import Role
from service.serving.serving_view import ServingView

CLICKS_WAIT = 0.1
"""How long a page waits for a process that locks the counts of clicks, in seconds."""

_KEPT_SECONDS = 60

Value = TypeVar("Value")


class EditorPages:
    """The templates, routers and access checks of the editors' pages.

    Args:
        context: The objects that all routes for editors share.

    Attributes:
        reader: FastAPI dependency of pages that editors may read; returns the signed-in editor.
        writer: The same for forms that editors may send.
        admin_reader: The same for pages that only admins may read.
        admin_writer: The same for forms that only admins may send.
    """

    def __init__(self, context: EditorialContext) -> None:
        self.context = context
        self.reader = context.auth.require(Role.EDITOR)
        self.writer = self._writer(Role.EDITOR)
        self.admin_reader = context.auth.require(Role.ADMIN)
        self.admin_writer = self._writer(Role.ADMIN)
        self.templates = PageTemplates(context.settings, context.live)
        self.render = self.templates.render
        self._closeness: tuple[Path, Closeness] | None = None
        self._figures: dict[int, tuple[float, ClickFigures]] = {}
        self.comparison = ComparisonFinder(context.settings, CLICKS_WAIT)

    def router(self) -> APIRouter:
        """Returns a router for editors' pages.

        Its routes show errors as HTML pages, and redirect visitors who are not signed in to the
        sign-in page.
        """
        return APIRouter(include_in_schema=False, route_class=_page_route(self))

    def _writer(self, role: Role) -> Callable[..., Identity]:
        """Returns a FastAPI dependency of forms, which refuses senders whose role is too low.

        It returns the signed-in editor. One of our own pages must have sent the form, with the
        session's CSRF token in the field ``csrf``.
        """

        def writer(request: Request, csrf: Annotated[str, Form()] = "") -> Identity:
            return self.context.auth.authorize(request.scope, role, csrf)

        return writer

    def ask_to_sign_in(
        self, kept: KeptForm | None, *, status: int = 401, back: str = "", **values: Any
    ) -> Response:
        """Renders the sign-in page.

        Args:
            kept: The form that the editor sent when the session had ended, if there was one.
            status: The HTTP status of the response.
            back: The address of the page to open after the sign-in.
            **values: Further values for the template: the ``name`` that was entered, and the
                ``problem`` that a sign-in with it had.
        """
        given = {"name": "", "problem": "", "nobody": False, **values}
        return self.render(
            "sign_in",
            None,
            status=status,
            next=back,
            kept="" if kept is None else kept.model_dump_json(),
            **given,
        )

    def ask_again(self, person: Identity, kept: KeptForm, *, status: int = 200) -> Response:
        """Renders the page on which an editor confirms a form that a sign-in interrupted.

        Args:
            person: The signed-in editor.
            kept: The form that the editor sent before the sign-in.
            status: The HTTP status of the response.
        """
        entered = kept.describe(self.context.title)
        return self.render("kept", person, status=status, kept=kept, entered=entered)

    def closeness(self, build: Build) -> Closeness:
        """Returns the scale that turns a link's score into ``very close``, ``close`` or ``loose``.

        It is measured once for each build, from the links of all its lists.
        """
        kept = self._closeness
        if kept is None or kept[0] != build.folder:
            kept = self._closeness = build.folder, Closeness.of(build, self.context.query)
        return kept[1]

    @functools.cached_property
    def _clicks(self) -> ClickStore:
        return open_clicks(self.context.settings, CLICKS_WAIT)

    def click_figures(self, days: int = 28) -> ClickFigures | None:
        """Returns how often readers saw and clicked lists and links; at most a minute old.

        Args:
            days: How many days to count, up to and with today.

        Returns:
            The figures of these days; ``None`` if clicks are not counted.

        Raises:
            DatabaseError: If the counts can't be read.
        """
        settings = self.context.settings
        if not settings.clicks:
            return None
        read, kept = self._figures.get(days, (0.0, None))
        if kept is None or time.monotonic() - read > _KEPT_SECONDS:
            kept = ClickFigures(self._clicks, first_day(settings, days))
            self._figures[days] = time.monotonic(), kept
        return kept

    def read_clicks(
        self, read: Callable[[ClickFigures], Value], days: int = 28
    ) -> tuple[Value | None, bool]:
        """Reads something about clicks, for a page that can do without.

        Args:
            read: A function that reads it from the figures.
            days: How many days to count, up to and with today.

        Returns:
            What was read, ``None`` if clicks are not counted; and whether they can't be read.
        """
        try:
            figures = self.click_figures(days)
            return None if figures is None else read(figures), False
        except DatabaseError:
            return None, True

    def view(self) -> tuple[ServingView, int]:
        """Returns the published build with all decisions made so far, and the current time.

        The time is in microseconds since 1970 UTC.

        Raises:
            NotReadyError: If there is no build, or the takedowns can't be read.
        """
        # Refresh, since other worker processes may have stored decisions.
        return self.context.live.view(refresh=True)


def page_number(text: str) -> int:
    """Parses the URL parameter ``page``, which must be a whole number from 1 to 999,999.

    Raises:
        ProblemError: 422 for any other value.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and int(text)):
        raise ProblemError(
            422,
            f"the parameter page is {text[:20]!r}; it must be a whole number from 1 to 999999",
            field="page",
        )
    return int(text)


def sentence(error: Exception) -> str:
    """Returns an error's message as a sentence: with a capital letter and a full stop."""
    return f"{capitalized(str(error))}."


_EXPECTED = (ProblemError, AlsoLikeError, RequestValidationError, HTTPException)


def _page_route(pages: EditorPages) -> type[APIRoute]:
    class PageRoute(APIRoute):
        def __init__(
            self, path: str, endpoint: Callable[..., Any], *, methods: set[str], **options: Any
        ) -> None:
            heads = {"HEAD"} if "GET" in methods else set()
            super().__init__(path, endpoint, methods={*methods, *heads}, **options)

        def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
            handle = super().get_route_handler()

            async def handler(request: Request) -> Response:
                try:
                    if REFUSED in request.scope:
                        raise request.scope[REFUSED]
                    return await handle(request)
                except _EXPECTED as error:
                    problem = _problem(error)
                kept = await _kept(pages, request, problem)
                if problem.status == 401 and kept is None:
                    return RedirectResponse(f"/editor/sign-in?next={_return_to(request)}", 303)
                person = await run_in_threadpool(identity_or_none, pages, request)
                if kept is None:
                    return pages.templates.problem(problem, person)
                if person is None:
                    return pages.ask_to_sign_in(kept)
                return await run_in_threadpool(pages.ask_again, person, kept, status=403)

            return handler

    return PageRoute


def _problem(error: Exception) -> ProblemError:
    """Returns the error that a page shows for an exception of its route."""
    match error:
        case ProblemError():
            return error
        case AlsoLikeError():
            return problem_of(error)
        case RequestValidationError():
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"][1:])
            told = f"the field {field[:80]} is not valid: {describe_invalid(first)}"
            return ProblemError(422, told)
        case HTTPException():
            told = f"the form can't be read: {error.detail}".rstrip(".")
            return ProblemError(error.status_code, told, headers=error.headers)
        case _:
            raise error


async def _kept(pages: EditorPages, request: Request, problem: ProblemError) -> KeptForm | None:
    """Returns the form that was sent without a session, or with that of another one.

    Returns ``None`` if no form of our own pages was sent, or another error is at fault, or if the
    form was to sign out.
    """
    ended = problem.status == 401 or isinstance(problem, StaleFormError)
    leaves = request.scope["path"].startswith("/editor/sign-out")
    if not ended or leaves or request.method != "POST":
        return None
    try:
        pages.context.auth.check_origin(request.scope, ANYONE)
        return KeptForm.of(request.scope["path"], await request.form())
    except (ProblemError, ValidationError):
        return None


def identity_or_none(pages: EditorPages, request: Request) -> Identity | None:
    """Returns the sender of a request; ``None`` for nobody known, a wrong token among them."""
    try:
        return pages.context.auth.identify(request.scope)
    except (ProblemError, AlsoLikeError):
        return None


def _return_to(request: Request) -> str:
    if request.method not in ("GET", "HEAD"):
        return "/editor"
    query = request.scope["query_string"].decode("latin-1")
    return quote(request.scope["path"] + (f"?{query}" if query else ""), safe="")
