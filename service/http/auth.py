"""Checks who sent a request, and whether the sender may make it.

A sender can prove who they are in three ways:

=========  ======================================  ===============================================
way        the request carries                     a request that changes something also needs
=========  ======================================  ===============================================
token      ``Authorization: Bearer als_…``         nothing: browsers never send it by themselves
session    the cookie that the sign-in page set    the session's CSRF token in ``X-CSRF-Token`` or
                                                   in the form, and to come from our own pages
proxy      a header with the sender's name, set    to come from our own pages
           by a proxy that signs people in
=========  ======================================  ===============================================

The setting ``identity_header`` names the proxy's header. It is believed only if the connection
comes from an address in the setting ``trusted_proxies``.
"""

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from index.errors import DatabaseError
from service.decisions.database import Database
from service.decisions.decision_rules import MAX_NAME, first_control
from service.decisions.decision_store import Actor
from service.decisions.sessions import LIFETIME
from service.http.clients import Limiter, Proxies, header
from service.http.error_handlers import problem_of
from service.http.problems import ProblemError
from service.roles import Role
from service.settings import Settings

COOKIE = "alsolike-session"
SECURE_COOKIE = "__Host-alsolike-session"
"""The session cookie's name over HTTPS; browsers protect cookies with the prefix ``__Host-``."""

_PROTECTED: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "strict"}

CSRF_HEADER = "X-CSRF-Token"

KNOWN_SECONDS = 1.0
"""Seconds for which a valid token is cached; a token that is revoked works that much longer."""

_MAX_KNOWN = 1_000

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_GUESSES_A_MINUTE = 30

_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="create one with: alsolike tokens add"
)
_cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="session",
    description=f"set by the sign-in page; named {SECURE_COOKIE} behind TLS. A write also needs "
    f"the header {CSRF_HEADER}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Actor):
    """The authenticated sender of a request, whom the audit trail names by name and ``how``.

    Attributes:
        role: The sender's role, which decides what the sender may do.
        csrf: The secret that each request that changes something must repeat, so that a page of
            another site can't send it (CSRF); empty unless ``how`` is ``"session"``.
    """

    role: Role
    csrf: str = ""


ANYONE = Identity(name="", role=Role.READ, how="anyone")
"""Stands for a sender who is not signed in, of whom only the origin is checked."""


class StaleFormError(ProblemError):
    """A change was refused, since the page that sent it was loaded in another session."""


class Auth:
    """Finds out who sent a request, and refuses senders whose role is too low.

    Args:
        settings: The effective settings; this class uses those about proxies.
        database: A function that returns the database of API tokens, editors and sessions, or
            raises :class:`~index.errors.DatabaseError`.
    """

    def __init__(self, settings: Settings, database: Callable[[], Database]) -> None:
        self.proxies = Proxies(settings.trusted_networks)
        self._settings = settings
        self._database = database
        self._guesses = Limiter(_GUESSES_A_MINUTE)

    def identify(self, scope: Scope) -> Identity | None:
        """Returns the sender of a request, by its token, session cookie or proxy's header.

        Returns ``None`` if the request has none of them, or a cookie or header that is not valid.

        Raises:
            ProblemError: 401 for a wrong token, 429 after too many wrong tokens.
            DatabaseError: If the token or session can't be looked up.
        """
        scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
        if scheme.lower() == "bearer":  # others, such as Basic, are meant for a proxy before us
            return self._by_token(scope, token)
        secret = self.session_secret(scope)
        if secret is not None:
            session = self._database().sessions.find(secret)
            if session is not None:
                return Identity(
                    name=session.editor, role=session.role, how="session", csrf=session.csrf
                )
        return self._by_proxy(scope)

    def authorize(self, scope: Scope, needed: Role, csrf: str | None = None) -> Identity:
        """Returns the sender of a request; refuses one whose role is lower than ``needed``.

        If the request may change something, it must also have been sent by one of our own pages or
        with an API token; see :meth:`check_origin`.

        Args:
            scope: The request, as ASGI describes it.
            needed: The lowest role that may make the request.
            csrf: The CSRF token from a form's field; by default it is read from the header
                ``X-CSRF-Token``.

        Raises:
            ProblemError: 401 for an unknown sender, 403 for a role that is too low or a change
                that another site may have sent, 429 after too many wrong tokens.
            DatabaseError: If the token or session can't be looked up.
        """
        identity = self.identify(scope)
        if identity is None:
            raise _unauthorized(
                f"this request needs an API token with role {needed}; create one with: "
                "alsolike tokens add"
            )
        if not identity.role.may(needed):
            raise ProblemError(
                403,
                f"this request needs role {needed}, but {identity.name} has role {identity.role}; "
                "ask an admin for it",
            )
        if scope["method"] not in _SAFE:
            self.check_origin(scope, identity, csrf)
        return identity

    def check_origin(self, scope: Scope, identity: Identity, csrf: str | None = None) -> None:
        """Refuses a change that a page of another site may have made the browser send (CSRF).

        Args:
            scope: The request, as ASGI describes it.
            identity: The sender of the request.
            csrf: The CSRF token from a form's field; by default it is read from the header
                ``X-CSRF-Token``.

        Raises:
            ProblemError: 403, if the origin or the CSRF token is wrong.
        """
        if identity.how == "token":
            return
        if not self._from_here(scope, needed=identity.how == "proxy"):
            raise ProblemError(
                403,
                "nothing was changed, as the request came from a page of another site; send it "
                "from a page of this service, or with an API token",
            )
        if identity.how == "session":
            given = header(scope, CSRF_HEADER.lower().encode()) if csrf is None else csrf
            if not hmac.compare_digest((given or "").encode(), identity.csrf.encode()):
                raise StaleFormError(
                    403,
                    f"the header {CSRF_HEADER} is missing or from another session; reload the page",
                )

    def require(self, needed: Role) -> Callable[..., Identity]:
        """Returns a FastAPI dependency that refuses senders whose role is lower than ``needed``."""

        def identity(
            request: Request,
            _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
            __: Annotated[str | None, Depends(_cookie)],
        ) -> Identity:
            return self.authorize(request.scope, needed)

        return identity

    def set_cookie(self, scope: Scope, response: Response, secret: str) -> None:
        """Adds the session cookie to a response, which signs the browser in.

        Args:
            scope: The request, as ASGI describes it; over HTTPS the cookie is sent only over HTTPS.
            response: The response that gets the cookie.
            secret: The session's secret, which is the cookie's value.
        """
        name, secure = self._cookie(scope)
        response.set_cookie(name, secret, LIFETIME // 1_000_000, secure=secure, **_PROTECTED)

    def clear_cookie(self, scope: Scope, response: Response) -> None:
        """Makes a response delete the session cookie from the browser."""
        name, secure = self._cookie(scope)
        response.delete_cookie(name, secure=secure, **_PROTECTED)

    def session_secret(self, scope: Scope) -> str | None:
        """Returns the value of a request's session cookie; ``None`` if it has no such cookie.

        Whether a session with this secret exists is not checked here.
        """
        return cookie_parser(header(scope, b"cookie") or "").get(self._cookie(scope)[0])

    def _cookie(self, scope: Scope) -> tuple[str, bool]:
        """Returns the session cookie's name, and whether it is sent over HTTPS only.

        Below a path prefix it has a name of its own, since another AlsoLike may be on the host. Its
        path could tell them apart too, but ``__Host-`` cookies must have the path ``/``.
        """
        secure = self.proxies.is_secure(scope)
        name = SECURE_COOKIE if secure else COOKIE
        return name + self._settings.path_prefix.replace("/", "-"), secure

    def _by_token(self, scope: Scope, text: str) -> Identity:
        token = self._database().tokens.find(text)
        if token is not None:  # not rate-limited: an attacker may use the same address
            return Identity(name=token.name, role=token.role, how="token")
        refusal = "too many wrong tokens from this address; try again later"
        self._guesses.check(self.proxies.client(scope), refusal)
        raise _unauthorized("the token is unknown, expired or revoked; see: alsolike tokens list")

    def _by_proxy(self, scope: Scope) -> Identity | None:
        named = self._settings.identity_header
        if named is None or not self.proxies.sent(scope):
            return None
        raw_name = header(scope, named.lower().encode())
        if not raw_name:
            return None
        try:
            name = raw_name.encode("latin-1").decode()
        except UnicodeDecodeError:
            return None
        if first_control(name) or len(name) > MAX_NAME:
            return None
        editor = self._database().editors.get(name)
        if editor is not None:
            role = None if editor.disabled is not None else editor.role
        else:
            role = self._settings.identity_role
        return None if role is None else Identity(name=name, role=role, how="proxy")

    def _from_here(self, scope: Scope, *, needed: bool) -> bool:
        """Whether a page of this service sent the request, by ``Sec-Fetch-Site`` and ``Origin``.

        Args:
            scope: The request, as ASGI describes it.
            needed: What to return for a request without these two headers: ``False`` if they are
                needed, else ``True``. Old browsers and programs don't send them.
        """
        site = header(scope, b"sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        origin = header(scope, b"origin")
        if origin is None:
            return site is not None or not needed
        try:
            sent_from = urlsplit(origin)
        except ValueError:
            return False
        if self.proxies.is_secure(scope) and sent_from.scheme != "https":
            return False
        return bool(sent_from.netloc) and sent_from.netloc == header(scope, b"host")


class ReadAccess:
    """Checks API tokens when the setting ``read_token`` requires one even to read related articles.

    A token that was found valid is remembered for a second, so that most page views need no
    database query.

    Args:
        auth: The object that looks up tokens in the database.
    """

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._known: dict[str, float] = {}

    async def refusal(self, scope: Scope) -> ProblemError | None:
        """Returns the error to send if a request may not read related articles, else ``None``."""
        token = header(scope, b"authorization")
        if token is not None and self._known.get(token, 0.0) > time.monotonic():
            return None
        try:
            identity = await asyncio.to_thread(self._auth.authorize, scope, Role.READ)
        except ProblemError as problem:
            return problem
        except DatabaseError as error:  # a token that can't be checked is refused
            return problem_of(error)
        if token is not None and identity.how == "token":
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[token] = time.monotonic() + KNOWN_SECONDS
        return None


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError(401, detail, headers={"WWW-Authenticate": 'Bearer realm="alsolike"'})
