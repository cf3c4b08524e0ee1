"""What the routes of all editors' pages share: templates, access checks, errors shown as pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from recommender.errors import AlsoLikeError
from service.editor.page_templates import PageTemplates
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.http.error_handlers import problem_of
from service.http.problems import ProblemError
from service.roles import Role
from service.serving.serving_view import ServingView


class EditorPages:
    """The templates, routers and access checks of the editors' pages.

    Args:
        context: The objects that all routes for editors share.
    """

    def __init__(self, context: EditorialContext) -> None:
        self.context = context
        self.templates = PageTemplates(context.settings, context.live)
        self.render = self.templates.render

    def router(self) -> APIRouter:
        """Returns a router for editors' pages.

        Its routes show errors as HTML pages, and redirect visitors who are not signed in to the
        sign-in page.
        """
        return APIRouter(include_in_schema=False, route_class=_page_route(self))

    def reader(self, request: Request) -> Identity:
        """FastAPI dependency of pages that editors may read; returns the signed-in editor.

        Raises:
            ProblemError: 401 if nobody is signed in, 403 for a role that is too low.
        """
        return self.context.auth.authorize(request.scope, Role.EDITOR)

    def writer(self, request: Request, csrf: Annotated[str, Form()] = "") -> Identity:
        """FastAPI dependency of forms that editors may send; returns the signed-in editor.

        Args:
            request: The request that sent the form.
            csrf: The form's field that proves that one of our own pages sent it (CSRF token).

        Raises:
            ProblemError: 401 if nobody is signed in, 403 for a role that is too low or a wrong
                CSRF token.
        """
        return self.context.auth.authorize(request.scope, Role.EDITOR, csrf)

    def admin_reader(self, request: Request) -> Identity:
        """FastAPI dependency of pages that only admins may read; returns the signed-in admin.

        Raises:
            ProblemError: 401 if nobody is signed in, 403 for a role that is too low.
        """
        return self.context.auth.authorize(request.scope, Role.ADMIN)

    def admin_writer(self, request: Request, csrf: Annotated[str, Form()] = "") -> Identity:
        """FastAPI dependency of forms that only admins may send; returns the signed-in admin.

        Args:
            request: The request that sent the form.
            csrf: The form's field that proves that one of our own pages sent it (CSRF token).

        Raises:
            ProblemError: 401 if nobody is signed in, 403 for a role that is too low or a wrong
                CSRF token.
        """
        return self.context.auth.authorize(request.scope, Role.ADMIN, csrf)

    def view(self) -> tuple[ServingView, int]:
        """Returns the published build with all decisions made so far, and the current time.

        The time is in microseconds since 1970 UTC.

        Raises:
            NotReadyError: If there is no build, or the takedowns can't be read.
        """
        # Refresh, since other worker processes may have stored decisions.
        return self.context.live.view(refresh=True)


def whole_number(name: str, text: str) -> int:
    """Parses a URL parameter that must be a whole number from 1 to 999,999.

    Args:
        name: The parameter's name, for the error message.
        text: The parameter's value.

    Raises:
        ProblemError: 422 for any other value.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and int(text)):
        raise ProblemError(
            422, f"{name} is {text[:20]!r}; it must be a whole number from 1", field=name
        )
    return int(text)


def sentence(error: Exception) -> str:
    """Returns an error's message as a sentence, with a capital letter and a full stop."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _page_route(pages: EditorPages) -> type[APIRoute]:
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
                    field = ".".join(str(part) for part in first["loc"][1:])
                    problem = ProblemError(422, f"{field[:80]}: {first['msg']}")
                if problem.status == 401:
                    return RedirectResponse(f"/editor/sign-in?next={_return_to(request)}", 303)
                person = await run_in_threadpool(_identity_or_none, pages, request)
                return pages.templates.problem(problem, person)

            return handler

    return PageRoute


def _identity_or_none(pages: EditorPages, request: Request) -> Identity | None:
    try:
        return pages.context.auth.identify(request.scope)
    except (ProblemError, AlsoLikeError):
        return None


def _return_to(request: Request) -> str:
    if request.method != "GET":
        return "/editor"
    query = request.scope["query_string"].decode("latin-1")
    return quote(request.scope["path"] + (f"?{query}" if query else ""), safe="")
