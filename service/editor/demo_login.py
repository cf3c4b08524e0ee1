"""A one-time link that lets the first visitor of a demo in, on this machine alone."""

from __future__ import annotations

import hmac
import secrets

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.editor_accounts import Editor
from service.editor.editor_context import EditorContext
from service.editor.page_templates import PageTemplates, page_route
from service.http.problems import ProblemError
from service.roles import Role

GUEST = "guest"
_ACTOR = Actor(name="demo", how="link")


class Invitation:
    """The link's secret; good once, in this process."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(32)
        self._used = False

    def take(self, key: str) -> bool:
        """Whether this key opens the door, which then is shut."""
        fits = hmac.compare_digest(key.encode(errors="replace"), self.key.encode())
        opens = fits and not self._used
        self._used = self._used or fits
        return opens


def may_invite(database: Database) -> bool:
    """Whether nobody was let in but guests: with a real editor there is no back door."""
    return all(editor.name == GUEST for editor in database.editors.all())


def demo_login_router(
    room: EditorContext, pages: PageTemplates, invitation: Invitation
) -> APIRouter:
    """The route."""
    router = APIRouter(include_in_schema=False, route_class=page_route(pages, room.identify))

    @router.get("/editor/enter")
    def enter(request: Request, key: str = "") -> Response:
        database, scope = room.desk.database(), request.scope
        local = room.auth.proxies.client(scope).is_loopback and not any(
            name in (b"forwarded", b"x-forwarded-for", b"via") for name, _ in scope["headers"]
        )
        if not local or not may_invite(database) or not invitation.take(key):
            raise ProblemError(403, "this link was used, or is for this machine alone")
        secret, _ = database.sessions.open(_guest(database))
        answer = RedirectResponse("/editor", 303)
        room.auth.set_cookie(scope, answer, secret)
        return answer

    return router


def _guest(database: Database) -> Editor:
    """The guest, an admin; nobody knows the password."""
    found = database.editors.get(GUEST)
    if found is not None and found.disabled is None:
        return found
    password = secrets.token_urlsafe(32)
    return database.editors.add(_ACTOR, name=GUEST, role=Role.ADMIN, password=password)
