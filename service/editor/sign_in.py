"""The pages to sign in and out, the account page, and the demo's sign-in link, which works once."""

import hmac
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.editor_accounts import Editor
from service.editor.editor_pages import EditorPages, identity_or_none
from service.editor.kept_form import KeptForm
from service.http.auth import ANYONE, Identity
from service.http.clients import came_directly, network_of
from service.http.problems import ProblemError
from service.roles import Role

_ATTEMPTS, _NETWORK_ATTEMPTS, _SECONDS = 10, 100, 300
_HOME = "/editor"


def sign_in_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the account page and of the pages to sign in and out."""
    context, auth = pages.context, pages.context.auth
    router = pages.router()

    @router.get("/editor/sign-in")
    def form(request: Request, next: str = "") -> Response:
        if identity_or_none(pages, request) is not None:
            return RedirectResponse(_inside(next), 303)
        nobody = not any(editor.disabled is None for editor in context.database().editors.all())
        return pages.ask_to_sign_in(None, status=200, back=next, nobody=nobody)

    @router.post("/editor/sign-in")
    def sign_in(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = "",
        kept: Annotated[str, Form()] = "",
    ) -> Response:
        # Refuse a form that another site sent: it could sign the browser in to an attacker's
        # account, in which the editor would then work unknowingly.
        auth.check_origin(request.scope, ANYONE)
        return _enter(pages, request, name, password, _inside(next), KeptForm.parse(kept))

    @router.get("/editor/account")
    def account(person: Identity = Depends(pages.reader)) -> Response:
        build = context.live.build
        return pages.render("account", person, build=None if build is None else build.name)

    @router.post("/editor/sign-out")
    def sign_out(request: Request, _: Identity = Depends(pages.writer)) -> Response:
        secret = auth.session_secret(request.scope)
        if secret is not None:
            context.database().sessions.close(secret)
        return _left(request)

    @router.post("/editor/sign-out-everywhere")
    def sign_out_everywhere(request: Request, person: Identity = Depends(pages.writer)) -> Response:
        context.database().editors.sign_out(person, person.name)
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
    kept: KeptForm | None,
) -> Response:
    """Signs an editor in with name and password, or shows the form again and says what is wrong.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        request: The request that sent the form.
        name: The name that was entered.
        password: The password that was entered.
        target: The URL of the page to open after the sign-in.
        kept: The form that the editor sent when the session had ended, to be confirmed instead.
    """
    context = pages.context
    database = context.database()
    network = network_of(context.auth.proxies.client(request.scope))
    # Colleagues share an address: whoever mistypes a name's password locks out that name alone.
    limits = {f"sign-in {network} {name[:100]}": _ATTEMPTS, f"sign-in {network}": _NETWORK_ATTEMPTS}
    waits = (
        database.attempts.take(client, limit=limit, seconds=_SECONDS)
        for client, limit in limits.items()
    )
    wait = next(filter(None, waits), 0)
    editor = None if wait else database.editors.verify(name, password)
    if editor is None:
        problem = (
            f"Too many attempts; try again in {_span(wait)}." if wait else "Wrong name or password."
        )
        answer = pages.ask_to_sign_in(
            kept, status=429 if wait else 403, back=target, name=name[:100], problem=problem
        )
        if wait:
            answer.headers["Retry-After"] = str(wait)
        return answer
    for client in limits:
        database.attempts.clear(client)
    secret, session = database.sessions.open(editor)
    person = Identity(name=editor.name, role=editor.role, how="session", csrf=session.csrf)
    entered = RedirectResponse(target, 303) if kept is None else pages.ask_again(person, kept)
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


GUEST = "guest"
_ACTOR = Actor(name="demo", how="link")


class Invitation:
    """The secret in the demo's sign-in link.

    It works once, and only as long as this process runs.
    """

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(32)
        self._used = False

    def take(self, key: str) -> bool:
        """Checks the secret of a link that was opened; if it is right, it can't be used again.

        Args:
            key: The secret in the link.

        Returns:
            Whether the secret is right and was not used before.
        """
        fits = hmac.compare_digest(key.encode(errors="replace"), self.key.encode())
        opens = fits and not self._used
        self._used = self._used or fits
        return opens


def may_invite(database: Database) -> bool:
    """Tells whether the demo may offer a sign-in link that needs no password.

    It may if nobody but the demo's guest has an editor's account.

    Args:
        database: The database of decisions, which holds the accounts.
    """
    return all(editor.name == GUEST for editor in database.editors.all())


def demo_login_router(pages: EditorPages, invitation: Invitation) -> APIRouter:
    """Returns the route of the sign-in link, which signs the browser in as the demo's guest.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        invitation: The secret that the link must contain.
    """
    context = pages.context
    router = pages.router()

    @router.get("/editor/enter")
    def enter(request: Request, key: str = "") -> Response:
        database, scope = context.database(), request.scope
        local = context.auth.proxies.client(scope).is_loopback and came_directly(scope)
        if not local or not may_invite(database) or not invitation.take(key):
            raise ProblemError(
                403,
                "this sign-in link works only once and only on the demo's own machine; restart the "
                "demo for a new link",
            )
        secret, _ = database.sessions.open(_guest(database))
        answer = RedirectResponse("/editor", 303)
        context.auth.set_cookie(scope, answer, secret)
        return answer

    return router


def _guest(database: Database) -> Editor:
    """Returns the account of the demo's guest, who is an admin.

    If there is none, it is added with a random password that nobody learns.
    """
    found = database.editors.get(GUEST)
    if found is not None and found.disabled is None:
        return found
    password = secrets.token_urlsafe(32)
    return database.editors.add(_ACTOR, name=GUEST, role=Role.ADMIN, password=password)
