"""The pages to sign in and out, and the account page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from service.editor.editor_pages import EditorPages
from service.http.auth import Identity, session_secret
from service.http.clients import network_of
from service.roles import Role

_ATTEMPTS, _SECONDS = 10, 300
_HOME = "/editor"
_ANYONE = Identity(name="", role=Role.READ, how="sign-in")


def sign_in_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the account page and of the pages to sign in and out."""
    context, auth = pages.context, pages.context.auth
    router = pages.router()

    @router.get("/editor/sign-in")
    def form(request: Request, next: str = "") -> Response:
        if auth.identify(request.scope) is not None:
            return RedirectResponse(_inside(next), 303)
        nobody = not any(editor.disabled is None for editor in context.database().editors.all())
        return pages.render("sign_in", None, name="", next=next, problem="", nobody=nobody)

    @router.post("/editor/sign-in")
    def sign_in(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = "",
    ) -> Response:
        # Refuse a form that another site sent: it could sign the browser in to an attacker's
        # account, in which the editor would then work unknowingly.
        auth.check_origin(request.scope, _ANYONE)
        return _enter(pages, request, name, password, _inside(next))

    @router.get("/editor/account")
    def account(person: Identity = Depends(pages.reader)) -> Response:
        build = context.live.build
        return pages.render(
            "account",
            person,
            here="account",
            admin=person.role == "admin",
            build=None if build is None else build.name,
        )

    @router.post("/editor/sign-out")
    def sign_out(request: Request, _: Identity = Depends(pages.writer)) -> Response:
        secret = session_secret(request.scope, secure=auth.proxies.is_secure(request.scope))
        if secret is not None:
            context.database().sessions.close(secret)
        return _left(request)

    @router.post("/editor/sign-out-everywhere")
    def sign_out_everywhere(request: Request, person: Identity = Depends(pages.writer)) -> Response:
        context.database().editors.sign_out(person.actor, person.name)
        return _left(request)

    def _left(request: Request) -> Response:
        answer = RedirectResponse("/editor/sign-in", 303)
        auth.clear_cookie(request.scope, answer)
        return answer

    return router


def _enter(
    pages: EditorPages,
    request: Request,
    name: str,
    password: str,
    target: str,
) -> Response:
    """Signs an editor in with name and password, or shows the form again and says what is wrong.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        request: The request that sent the form.
        name: The name that was entered.
        password: The password that was entered.
        target: The URL of the page to open after the sign-in.
    """
    context = pages.context
    database = context.database()
    client = f"sign-in {network_of(context.auth.proxies.client(request.scope))}"
    wait = database.attempts.take(client, limit=_ATTEMPTS, seconds=_SECONDS)
    editor = None if wait else database.editors.verify(name, password)
    if editor is None:
        problem = (
            f"Too many attempts; try again in {_span(wait)}."
            if wait
            else "The name or the password is wrong."
        )
        answer = pages.render(
            "sign_in",
            None,
            status=429 if wait else 403,
            name=name[:100],
            next=target,
            problem=problem,
            nobody=False,
        )
        if wait:
            answer.headers["Retry-After"] = str(wait)
        return answer
    database.attempts.clear(client)
    secret, _ = database.sessions.open(editor)
    entered = RedirectResponse(target, 303)
    context.auth.set_cookie(request.scope, entered, secret)
    return entered


def _inside(target: str) -> str:
    """Returns the page to open after the sign-in: ``target`` if it is one of the editors' pages.

    Any other target gives the editors' first page, so that a link to the sign-in page can't lead
    to another site.
    """
    if target == _HOME or target.startswith((f"{_HOME}/", f"{_HOME}?")):
        return target if target.isprintable() and "\\" not in target else _HOME
    return _HOME


def _span(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{seconds} seconds" if seconds < 60 else f"{minutes} minute{'s' * (minutes > 1)}"
