"""The demo's sign-in link, which works once and only on the machine that runs the demo."""

from __future__ import annotations

import hmac
import secrets

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.editor_accounts import Editor
from service.editor.editor_pages import EditorPages
from service.http.problems import ProblemError
from service.roles import Role

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
        """Checks the secret of a link that was opened, and makes the link useless from now on.

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
    """Whether the demo may offer a sign-in link that needs no password.

    It may if nobody but the demo's guest has an editor's account.
    """
    return all(editor.name == GUEST for editor in database.editors.all())


def demo_login_router(pages: EditorPages, invitation: Invitation) -> APIRouter:
    """Returns the route of the sign-in link, which signs the browser in as the demo's guest."""
    context = pages.context
    router = pages.router()

    @router.get("/editor/enter")
    def enter(request: Request, key: str = "") -> Response:
        database, scope = context.database(), request.scope
        local = context.auth.proxies.client(scope).is_loopback and not any(
            name in (b"forwarded", b"x-forwarded-for", b"via") for name, _ in scope["headers"]
        )
        if not local or not may_invite(database) or not invitation.take(key):
            raise ProblemError(
                403, "this link works only once and on the demo's own machine; restart the demo"
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
